import { describe, expect, it } from 'vitest'
import {
  eventOf,
  paid,
  receive,
  refunded,
  SECRET,
  v1,
  v2,
  v2Refund,
} from '../../../test/support/myfatoorah-bodies.ts'
import { maySettle } from '../event.ts'
import { myfatoorah } from './myfatoorah.ts'
import { signMyfatoorah } from './myfatoorah-text.ts'
import { accountProblems } from './settings.ts'

describe('the facts of V1', () => {
  it('are of the display currency, which is the one that was asked for', () => {
    expect(eventOf(v1(paid))).toMatchObject({
      eventId: '1:100202600000000001:SUCCESS',
      type: 'payment',
      hold: null,
      fact: {
        kind: 'captured',
        merchantRef: 'trip-1',
        // The payment learns it, and a refund names nothing else.
        gatewayRef: '1001',
        operationRef: '100202600000000001',
        amountMinor: 2_500n,
        currency: 'KWD',
      },
    })
    const dollars = { InvoiceValueInDisplayCurreny: '8.13', DisplayCurrency: 'USD' }
    expect(eventOf(v1({ ...paid, ...dollars })).fact).toMatchObject({ amountMinor: 813n, currency: 'USD' })
  })

  it.each<[string, string | null, string | null]>([
    ['SUCCESS', 'captured', null],
    ['AUTHORIZE', 'authorized', null],
    ['FAILED', 'failed', null],
    ['CANCELED', 'cancelled', null],
    ['RELEASED', 'cancelled', null],
    ['Paid', null, 'status_unknown'],
    ['', null, 'status_unknown'],
  ])('payment %s', (TransactionStatus, kind, hold) => {
    const event = eventOf(v1({ ...paid, TransactionStatus }))
    expect([event.fact?.kind ?? null, event.hold]).toEqual([kind, hold])
  })

  it.each<[unknown, string, bigint | null]>([
    ['2.5', 'KWD', 2_500n],
    [2.5, 'KWD', 2_500n],
    ['0.001', 'BHD', 1n],
    ['2.5005', 'KWD', null],
    ['10.00', 'SAR', 1_000n],
    ['10.001', 'SAR', null],
    [9007199254740.992, 'KWD', null],
    ['1,000.000', 'KWD', null],
  ])('%j %s', (InvoiceValueInDisplayCurreny, DisplayCurrency, amountMinor) => {
    const event = eventOf(v1({ ...paid, InvoiceValueInDisplayCurreny, DisplayCurrency }))
    expect(event.fact?.amountMinor ?? null).toBe(amountMinor)
    if (amountMinor === null) expect(event.hold).toBe('amount_unreadable')
  })

  it('lose their amount, and settle nothing, where the misspelt name is mended', () => {
    const { InvoiceValueInDisplayCurreny: amount, ...others } = paid
    const event = eventOf(v1({ ...others, InvoiceValueInDisplayCurrency: amount }))
    expect(event).toMatchObject({ fact: null, hold: 'amount_unreadable', signed: [] })
  })

  it('find the payment by the invoice where we gave no reference', () => {
    const event = eventOf(v1({ ...paid, CustomerReference: null }))
    expect(event.fact).toMatchObject({ merchantRef: null, gatewayRef: '1001' })
    expect(maySettle(myfatoorah, event)).toBe(true)
  })

  it('take no refund’s currency from what is unsigned', () => {
    const body = v1(refunded, 2)
    expect(maySettle(myfatoorah, eventOf(body))).toBe(false)
    expect(eventOf(body).signed).toEqual(['reference', 'amount', 'status', 'transaction'])
    const pinned = eventOf(body, { BASE_CURRENCY: 'KWD' })
    expect(maySettle(myfatoorah, pinned)).toBe(true)
    expect(pinned).toMatchObject({
      eventId: '2:2840:REFUNDED',
      fact: {
        kind: 'refunded',
        gatewayRef: '585757',
        operationRef: '2840',
        amountMinor: 40_000n,
        currency: 'KWD',
      },
    })
    const forged = v1({ ...refunded, GatewayReference: { Currency: 'USD' } }, 2)
    expect(eventOf(forged, { BASE_CURRENCY: 'KWD' })).toEqual(pinned)
    expect(eventOf(v1({ ...refunded, RefundStatus: 'CANCELED' }, 2)).fact?.kind).toBe('refund_failed')
    expect(eventOf(v1({ ...refunded, RefundStatus: 'NEW' }, 2)).hold).toBe('status_unknown')
  })

  it('say nothing of balances, suppliers and recurring plans', () => {
    const balance = { DepositReference: '2021000008', DepositedAmount: '1520.664', SupplierCode: null }
    expect(eventOf(v1(balance, 3))).toMatchObject({ type: 'other', fact: null, hold: null })
  })

  it('know a dispute before the payment that it names, and settle none', () => {
    const dispute = {
      ...paid,
      DisputeTransactionId: 'D1',
      DisputeStatus: 'PENDING',
      DisputeType: 'CHARGEBACK',
    }
    const event = eventOf(v1(dispute, 6))
    expect(event).toMatchObject({ type: 'dispute', eventId: '6:D1:PENDING', signed: [] })
    expect(event.fact).toMatchObject({ kind: 'disputed', operationRef: 'D1' })
  })
})

describe('the facts of V2', () => {
  it('settle nothing, for the amount of a payment is unsigned', () => {
    const event = eventOf(v2)
    expect(event).toMatchObject({
      eventId: '1:100202600000000001:SUCCESS',
      gatewayEventId: 'WHK-1',
      occurredAt: new Date('2026-01-01T10:00:00Z'),
      signed: ['reference', 'status', 'transaction'],
      fact: { kind: 'captured', merchantRef: 'trip-1', amountMinor: 2_500n, currency: 'KWD' },
    })
    expect(maySettle(myfatoorah, event)).toBe(false)
  })

  it('are one with those of V1, and with a replay under another Event.Reference', () => {
    const replay = { ...v2, Event: { ...v2.Event, Reference: 'WHK-9' } }
    const again = eventOf(replay, {}, signMyfatoorah(v2, SECRET))
    expect([again.eventId, again.gatewayEventId]).toEqual([eventOf(v1(paid)).eventId, 'WHK-9'])
  })

  it('are refunds whose amount is signed, and whose currency is by the setting', () => {
    expect(maySettle(myfatoorah, eventOf(v2Refund))).toBe(false)
    const event = eventOf(v2Refund, { BASE_CURRENCY: 'KWD' })
    expect(maySettle(myfatoorah, event)).toBe(true)
    expect(event.fact).toMatchObject({ kind: 'refunded', gatewayRef: '1001', amountMinor: 40_000n })
  })

  it.each<[string, string, string | null]>([
    ['CHARGEBACK', 'PENDING', 'disputed'],
    ['CHARGEBACK', 'RESOLVED', 'dispute_won'],
    ['CHARGEBACK', 'LOST', 'dispute_lost'],
    ['DOCUMENTREQUEST', 'PENDING', null],
  ])('are a dispute of the type %s, %s', (Type, Status, kind) => {
    const Dispute = { DisputeTransactionId: 'D1', Status, Type }
    const event = eventOf({ Event: { Code: 6 }, Data: { ...v2.Data, Dispute } })
    expect([event.type, event.fact?.kind ?? null, event.signed]).toEqual(['dispute', kind, []])
  })

  it('are not made of a body that names another kind than was signed', () => {
    const signature = signMyfatoorah(v2, SECRET)
    for (const Code of [2, 6]) {
      const body = { Event: { Code }, Data: { ...v2.Data, ...v2Refund.Data } }
      expect(receive(body, signature)).toMatchObject({ code: 'signature_invalid' })
    }
  })
})

describe('the configuration', () => {
  it.each<[string, boolean]>([
    ['KWD', true],
    ['kwd', false],
    ['XXX', false],
  ])('BASE_CURRENCY %s', (BASE_CURRENCY, isRight) => {
    const account = { gateway: 'myfatoorah', account: 'default', secrets: ['s'], settings: { BASE_CURRENCY } }
    expect(accountProblems(myfatoorah, account, true)).toHaveLength(isRight ? 0 : 1)
  })
})
