import { describe, expect, it } from 'vitest'
import type { PayoutKind } from '../../../payments/payout.ts'
import { ADYEN_EXPONENTS } from '../adyen-facts.ts'
import type { AdyenItem } from '../adyen-items.ts'
import { readV3, readV4 } from '../flutterwave-facts.ts'
import type { JsonObject } from '../kit/body.ts'
import type { Reading } from '../kit/verdict.ts'
import { readFact as readPaypal } from '../paypal-facts.ts'
import { PAYSTACK_EXPONENTS } from '../paystack.ts'
import { readEvent as readStripe } from '../stripe-facts.ts'
import { objectOf, readObject } from '../xendit-facts.ts'
import { readAdyenPayout, readAdyenTransfer } from './adyen.ts'
import { readCashfreeTransfer } from './cashfree.ts'
import { readPaystackTransfer } from './paystack.ts'
import { readRazorpayPayout } from './razorpay.ts'
import { readSquarePayout } from './square.ts'

/** A fact in a line: `payout_paid po_1 5000 EUR week-48`. */
function said({ fact, hold }: Reading): string | null {
  if (fact === null) return hold === null ? null : `held: ${hold}`
  const { kind, operationRef, amountMinor, currency, merchantRef, gatewayRef } = fact
  expect(gatewayRef).toBeNull()
  return [kind, operationRef, amountMinor, currency, merchantRef].map(String).join(' ')
}

describe('Stripe', () => {
  const payout = { id: 'po_1', amount: 5_000, currency: 'eur', metadata: { merchant_ref: 'week-48' } }
  const stripe = (type: string, object: JsonObject) => {
    const event = readStripe({ id: 'evt_1', type, data: { object } })
    return 'kind' in event ? null : said({ fact: event.fact, hold: event.hold as Reading['hold'] })
  }
  it.each([
    ['payout.created', 'payout_created'],
    ['payout.paid', 'payout_paid'],
    ['payout.failed', 'payout_failed'],
    ['payout.canceled', 'payout_failed'],
  ])('%s', (type, kind) => {
    expect(stripe(type, payout)).toBe(`${kind} po_1 5000 EUR week-48`)
  })
  it('says nothing new by an update, and holds what takes money from our bank', () => {
    expect(stripe('payout.updated', payout)).toBeNull()
    expect(stripe('payout.paid', { ...payout, amount: -5_000 })).toBe('held: amount_unreadable')
  })
})

describe('Square', () => {
  const payout = {
    id: 'po_4',
    status: 'PAID',
    location_id: 'L1',
    amount_money: { amount: 6_259, currency_code: 'USD' },
  }
  it.each([
    ['SENT', 'payout_created po_4 6259 USD null'],
    ['PAID', 'payout_paid po_4 6259 USD null'],
    ['FAILED', 'payout_failed po_4 6259 USD null'],
    ['ELSEWHERE', 'held: status_unknown'],
  ])('%s', (status, words) => {
    expect(said(readSquarePayout({ payout: { ...payout, status } }))).toBe(words)
  })
  it('holds what it cannot read', () => {
    expect(said(readSquarePayout({}))).toBe('held: object_unreadable')
    expect(said(readSquarePayout({ payout: { ...payout, amount_money: null } }))).toBe(
      'held: currency_unknown',
    )
  })
})

describe('Razorpay', () => {
  const payout = { id: 'pout_1', amount: 10_050, currency: 'INR', reference_id: 'week-48', status: 'x' }
  it.each([
    ['payout.queued', 'payout_created'],
    ['payout.pending', 'payout_created'],
    ['payout.initiated', 'payout_created'],
    ['payout.processed', 'payout_paid'],
    ['payout.rejected', 'payout_failed'],
    ['payout.failed', 'payout_failed'],
    ['payout.reversed', 'payout_returned'],
  ])('%s', (event, kind) => {
    expect(said(readRazorpayPayout(event, { payout: { entity: payout } }))).toBe(
      `${kind} pout_1 10050 INR week-48`,
    )
  })
  it('a settlement, whose currency goes without saying', () => {
    const settlement = { id: 'setl_1', amount: 9_973_635, status: 'processed', utr: '1568176960vxp0rj' }
    const event = 'settlement.processed'
    expect(said(readRazorpayPayout(event, { settlement: { entity: settlement } }))).toBe(
      'payout_paid setl_1 9973635 INR null',
    )
    expect(said(readRazorpayPayout(event, {}))).toBe('held: object_unreadable')
    expect(said(readRazorpayPayout('payout.updated', { payout: { entity: payout } }))).toBeNull()
  })
})

describe('Paystack', () => {
  const transfer = { id: 37, transfer_code: 'TRF_1', reference: 'week-48', amount: 30_000, currency: 'NGN' }
  it.each([
    ['transfer.success', transfer, 'payout_paid TRF_1 30000 NGN week-48'],
    ['transfer.failed', transfer, 'payout_failed TRF_1 30000 NGN week-48'],
    ['transfer.reversed', transfer, 'payout_returned TRF_1 30000 NGN week-48'],
    ['transfer.success', { ...transfer, currency: 'XOF' }, 'payout_paid TRF_1 300 XOF week-48'],
    ['transfer.success', { ...transfer, transfer_code: null }, 'held: operation_unreadable'],
    ['transfer.approval', transfer, null],
  ])('%s %o', (event, data, words) => {
    expect(said(readPaystackTransfer(event, data, PAYSTACK_EXPONENTS))).toBe(words)
  })
})

describe('Cashfree', () => {
  const transfer = { transfer_id: 'week-48', cf_transfer_id: 123, transfer_amount: 1.5, status: 'SUCCESS' }
  it.each([
    ['TRANSFER_SUCCESS', 'payout_paid'],
    ['TRANSFER_ACKNOWLEDGED', 'payout_paid'],
    ['TRANSFER_FAILED', 'payout_failed'],
    ['TRANSFER_REJECTED', 'payout_failed'],
    ['TRANSFER_REVERSED', 'payout_returned'],
  ])('%s', (type, kind) => {
    expect(said(readCashfreeTransfer(type, transfer))).toBe(`${kind} 123 150 INR week-48`)
    expect(said(readCashfreeTransfer('LOW_BALANCE_ALERT', transfer))).toBeNull()
  })
})

describe('Flutterwave', () => {
  const v3 = { id: 26_251, reference: 'week-48', amount: 5_000.5, currency: 'NGN', status: 'SUCCESSFUL' }
  const money = { source_currency: 'USD', destination_currency: 'NGN' }
  const v4 = { id: 'trf_1', reference: 'week-48', status: 'SUCCESSFUL', ...money }
  const arrives = { value: 100, applies_to: 'destination_currency' }
  it.each([
    [readV3('transfer.completed', v3), 'payout_paid 26251 500050 NGN week-48'],
    [readV3('transfer.completed', { ...v3, status: 'FAILED' }), 'payout_failed 26251 500050 NGN week-48'],
    [readV3('transfer.completed', { ...v3, status: 'ODD' }), 'held: status_unknown'],
    [readV4('transfer.disburse', { ...v4, amount: arrives }), 'payout_paid trf_1 10000 NGN week-48'],
    [
      readV4('transfer.disburse', { ...v4, amount: { ...arrives, applies_to: 'source_currency' } }),
      'payout_paid trf_1 10000 USD week-48',
    ],
    [readV4('transfer.reversal', { ...v4, amount: arrives }), 'payout_returned trf_1 10000 NGN week-48'],
    [readV4('transfer.disburse', v4), 'held: currency_unknown'],
  ])('%o', (reading, words) => {
    expect(said(reading)).toBe(words)
  })
})

describe('Xendit', () => {
  const payout = { id: 'disb-1', amount: 10_000, currency: 'IDR', reference_id: 'week-48' }
  it.each([
    ['ACCEPTED', 'payout_created'],
    ['REQUESTED', 'payout_created'],
    ['SUCCEEDED', 'payout_paid'],
    ['FAILED', 'payout_failed'],
    ['CANCELLED', 'payout_failed'],
    ['EXPIRED', 'payout_failed'],
    ['REVERSED', 'payout_returned'],
  ])('%s', (status, kind) => {
    const body = { event: `payout.${status.toLowerCase()}`, data: { ...payout, status } }
    expect(said(readObject(objectOf(body)))).toBe(`${kind} disb-1 1000000 IDR week-48`)
  })
})

describe('PayPal', () => {
  const item = {
    payout_item_id: '8AELMXH8UB2P8',
    payout_batch_id: 'Q8KVJG9TZTNN4',
    payout_item: { amount: { currency: 'USD', value: '10.50' }, sender_item_id: 'week-48' },
  }
  it.each<[string, PayoutKind]>([
    ['UNCLAIMED', 'payout_created'],
    ['HELD', 'payout_created'],
    ['SUCCEEDED', 'payout_paid'],
    ['FAILED', 'payout_failed'],
    ['BLOCKED', 'payout_failed'],
    ['CANCELED', 'payout_failed'],
    ['DENIED', 'payout_failed'],
    ['RETURNED', 'payout_returned'],
    ['REFUNDED', 'payout_returned'],
  ])('%s', (word, kind) => {
    expect(said(readPaypal(`PAYMENT.PAYOUTS-ITEM.${word}`, item))).toBe(
      `${kind} 8AELMXH8UB2P8 1050 USD week-48`,
    )
  })
  it('a batch says nothing that its items do not say', () => {
    expect(said(readPaypal('PAYMENT.PAYOUTSBATCH.SUCCESS', item))).toBeNull()
  })
})

describe('Adyen', () => {
  const item: AdyenItem = {
    pspReference: 'psp-2',
    originalReference: '',
    merchantAccountCode: 'Account',
    merchantReference: 'week-48',
    value: 1_000,
    currency: 'EUR',
    eventCode: 'PAYOUT_THIRDPARTY',
    success: 'true',
    eventDate: null,
    signature: Buffer.alloc(32),
  }
  const classic = (change: Partial<AdyenItem>) => {
    const reading = readAdyenPayout({ ...item, ...change }, ADYEN_EXPONENTS)
    return reading === null ? 'of no payout' : said(reading)
  }
  const later = { originalReference: 'psp-1' }
  it.each<[Partial<AdyenItem>, string | null]>([
    [{}, 'payout_paid psp-2 1000 EUR week-48'],
    [{ success: 'false' }, 'payout_failed psp-2 1000 EUR week-48'],
    [{ success: 'perhaps' }, 'held: status_unknown'],
    [{ eventCode: 'PAYOUT_DECLINE', ...later }, 'payout_failed psp-1 1000 EUR week-48'],
    [{ eventCode: 'PAYOUT_EXPIRE', ...later }, 'payout_failed psp-1 1000 EUR week-48'],
    [{ eventCode: 'PAYOUT_EXPIRE', success: 'false', ...later }, null],
    [{ eventCode: 'PAIDOUT_REVERSED', ...later }, 'payout_returned psp-1 1000 EUR week-48'],
    [{ eventCode: 'REPORT_AVAILABLE' }, 'of no payout'],
  ])('%o', (change, words) => {
    expect(classic(change)).toBe(words)
  })

  const transfer = {
    id: 'tr_1',
    category: 'bank',
    direction: 'outgoing',
    reference: 'week-48',
    amount: { value: 1_000, currency: 'EUR' },
    status: 'booked',
  }
  const platform = (change: JsonObject, type = 'balancePlatform.transfer.updated') =>
    said(readAdyenTransfer(type, { ...transfer, ...change }, ADYEN_EXPONENTS))
  it.each<[string, PayoutKind]>([
    ['received', 'payout_created'],
    ['authorised', 'payout_created'],
    ['booked', 'payout_paid'],
    ['refused', 'payout_failed'],
    ['failed', 'payout_failed'],
    ['returned', 'payout_returned'],
  ])('a transfer of a balance platform that is %s', (status, kind) => {
    expect(platform({ status })).toBe(`${kind} tr_1 1000 EUR week-48`)
  })
  it('is no payout within the platform, on the way in, or under another name', () => {
    expect([
      platform({ category: 'internal' }),
      platform({ direction: 'incoming' }),
      platform({ status: 'chargebackPending' }),
      platform({}, 'balancePlatform.accountHolder.updated'),
    ]).toEqual([null, null, null, null])
  })
})
