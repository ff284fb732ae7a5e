import { describe, expect, it } from 'vitest'
import type { JsonObject } from './kit/body.ts'
import { signHeaderHmac } from './kit/raw-hmac.ts'
import { PAYTABS_SIGNATURE, paytabs } from './paytabs.ts'

const SECRET = 'SRJN-server-key'
const account = { gateway: 'paytabs', account: 'default', secrets: [SECRET], settings: {} }

const sale = {
  tran_ref: 'TST2600000000001',
  merchant_id: 1,
  profile_id: 2,
  cart_id: 'trip-1',
  cart_currency: 'EGP',
  cart_amount: '100.00',
  tran_currency: 'EGP',
  tran_total: '100.00',
  tran_type: 'Sale',
  payment_result: { response_status: 'A', transaction_time: '2026-01-01T10:00:00Z' },
}

function receiveBytes(body: Buffer, signature?: string) {
  const value = signature ?? signHeaderHmac(body, SECRET, PAYTABS_SIGNATURE)
  return paytabs.receive({ body, headers: { signature: value }, query: new URLSearchParams() }, account, 0)
}

function eventOf(change: JsonObject, body: JsonObject = sale) {
  const received = receiveBytes(Buffer.from(JSON.stringify({ ...body, ...change })))
  if (received.kind !== 'accepted') throw new Error(JSON.stringify(received))
  return received.events[0] ?? expect.fail('no event')
}

const result = (response_status: unknown) => ({ payment_result: { response_status } })

describe('the empty body of a listener that is not HTTPS', () => {
  it('is held where it is signed, once, and refused where it is not', () => {
    expect(receiveBytes(Buffer.alloc(0))).toMatchObject({
      kind: 'accepted',
      events: [{ fact: null, hold: 'body_unreadable', eventId: expect.stringMatching(/^signature:/) }],
    })
    expect(receiveBytes(Buffer.alloc(0), '')).toMatchObject({ kind: 'refused', code: 'signature_missing' })
    expect(receiveBytes(Buffer.alloc(0), '0'.repeat(64))).toMatchObject({ code: 'signature_invalid' })
  })
})

describe('the signature', () => {
  it('covers every byte, blanks and order too', () => {
    const bytes = Buffer.from(JSON.stringify(sale))
    const signature = signHeaderHmac(bytes, SECRET, PAYTABS_SIGNATURE)
    const { cart_id, ...others } = sale
    for (const other of [`${bytes} `, JSON.stringify(sale, null, 1), JSON.stringify({ ...others, cart_id })])
      expect(receiveBytes(Buffer.from(other), signature)).toMatchObject({ code: 'signature_invalid' })
    expect(receiveBytes(bytes, signature.toUpperCase())).toMatchObject({ kind: 'accepted', signature })
  })

  it('of the browser’s return, made with the same key over form fields, is no webhook', () => {
    const form = 'cartId=trip-1&respStatus=A&tranRef=TST2600000000001'
    const signature = signHeaderHmac(Buffer.from(form), SECRET, PAYTABS_SIGNATURE)
    expect(receiveBytes(Buffer.from(JSON.stringify(sale)), signature)).toMatchObject({
      code: 'signature_invalid',
    })
    expect(receiveBytes(Buffer.from(`${form}&signature=${signature}`), signature)).toMatchObject({
      code: 'signature_invalid',
    })
    // Those very bytes are signed, and still tell nothing.
    expect(receiveBytes(Buffer.from(form), signature)).toMatchObject({
      events: [{ fact: null, hold: 'body_unreadable' }],
    })
  })
})

describe('the facts', () => {
  const none = null
  it.each<[string, ...(string | null)[]]>([
    //            A             H          P          D                E                V            C            X
    ['Sale', 'captured', 'pending', 'pending', 'failed', 'failed', 'cancelled', 'cancelled', 'expired'],
    ['Auth', 'authorized', 'pending', 'pending', 'failed', 'failed', 'cancelled', 'cancelled', 'expired'],
    ['Capture', 'captured', none, none, none, none, none, none, none],
    ['Void', 'cancelled', none, none, none, none, 'cancelled', 'cancelled', none],
    ['Release', 'cancelled', none, none, none, none, 'cancelled', 'cancelled', none],
    ['Refund', 'refunded', none, none, 'refund_failed', 'refund_failed', none, none, none],
    ['Register', none, none, none, none, none, none, none, none],
    ['AuthExt', none, none, none, none, none, none, none, none],
  ])('%s with A, H, P, D, E, V, C and X', (tran_type, ...kinds) => {
    for (const spelled of [tran_type, tran_type.toLowerCase()]) {
      const events = [...'AHPDEVCX'].map((status) => eventOf({ tran_type: spelled, ...result(status) }))
      expect(events.map(({ fact }) => fact?.kind ?? null)).toEqual(kinds)
      expect(events.map(({ hold }) => hold)).toEqual(kinds.map(() => null))
    }
  })

  it.each<[string, string | null]>([
    ['P', 'pending'],
    ['H', 'pending'],
    ['X', 'expired'],
    ['C', 'cancelled'],
    ['V', 'cancelled'],
    ['D', null],
    ['E', null],
  ])('Payment Request with %s, a page that somebody may still pay on: %s', (status, kind) => {
    const event = eventOf({ tran_type: 'Payment Request', ...result(status) })
    expect([event.fact?.kind ?? null, event.hold]).toEqual([kind, null])
  })

  it('a void and a release name the transaction that they undo', () => {
    for (const tran_type of ['Void', 'Release']) {
      const undone = { tran_type, tran_ref: 'TST2', previous_tran_ref: sale.tran_ref }
      expect(eventOf(undone)).toMatchObject({
        eventId: `TST2:${tran_type}:A`,
        fact: { kind: 'cancelled', operationRef: sale.tran_ref },
      })
      expect(eventOf({ ...undone, previous_tran_ref: null }).fact?.operationRef).toBe('TST2')
    }
  })

  it.each<[object, string]>([
    [{ tran_type: 'Payment Request' }, 'status_unknown'],
    [result('Z'), 'status_unknown'],
    [result(''), 'status_unknown'],
    [result(undefined), 'status_unknown'],
    [result('a'), 'status_unknown'],
    [{ tran_type: 'Payout' }, 'event_unknown'],
    [{ payment_result: null }, 'body_unreadable'],
    [{ tran_ref: null }, 'body_unreadable'],
    [{ tran_total: '1e2' }, 'amount_unreadable'],
    [{ tran_total: '100.005' }, 'amount_unreadable'],
    [{ tran_total: '0' }, 'amount_unreadable'],
    [{ tran_total: '-100.00' }, 'amount_unreadable'],
    [{ tran_currency: 'egp' }, 'currency_unknown'],
    [{ tran_currency: null }, 'currency_unknown'],
  ])('%j is held', (change, hold) => {
    expect(eventOf({ ...change })).toMatchObject({ fact: null, hold })
  })

  it('finds the payment by our cart and the operation by its transaction', () => {
    expect(eventOf({})).toMatchObject({
      eventId: 'TST2600000000001:Sale:A',
      type: 'Sale',
      occurredAt: new Date('2026-01-01T10:00:00Z'),
      fact: {
        kind: 'captured',
        merchantRef: 'trip-1',
        gatewayRef: 'TST2600000000001',
        operationRef: 'TST2600000000001',
        amountMinor: 10_000n,
        currency: 'EGP',
      },
    })
  })

  it('finds a payment without a cart by the transaction alone', () => {
    expect(eventOf({ cart_id: null }).fact).toMatchObject({ merchantRef: null, gatewayRef: sale.tran_ref })
    const refund = { tran_type: 'Refund', tran_ref: 'TST2', cart_id: null }
    expect(eventOf(refund)).toMatchObject({ fact: null, hold: 'reference_missing' })
  })

  it('takes a refund for an operation of its own, and two of them for two', () => {
    const refund = { tran_type: 'Refund', previous_tran_ref: sale.tran_ref, tran_total: '40.00' }
    const events = ['TST2', 'TST3'].map((tran_ref) => eventOf({ ...refund, tran_ref }))
    expect(events.map(({ fact }) => fact?.operationRef)).toEqual(['TST2', 'TST3'])
    // With a cart of its own it is found by the transaction that it gives back, which the payment has learnt.
    expect(eventOf({ ...refund, cart_id: 'refund-1' }).fact?.gatewayRef).toBe(sale.tran_ref)
    expect(new Set([...events, eventOf({})].map(({ eventId }) => eventId)).size).toBe(3)
  })

  it('tells the states of one transaction apart', () => {
    const ids = [...'PAV'].map((status) => eventOf(result(status)).eventId)
    expect(new Set(ids).size).toBe(3)
  })
})

describe('the amounts', () => {
  it.each<[unknown, string, bigint]>([
    ['100.00', 'EGP', 10_000n],
    ['12.3', 'SAR', 1_230n],
    [12.3, 'SAR', 1_230n],
    [100, 'AED', 10_000n],
    ['1.5', 'KWD', 1_500n],
    ['1.505', 'OMR', 1_505n],
    ['1.500', 'EGP', 150n],
    ['9007199254740.99', 'EGP', 900_719_925_474_099n],
    ['100', 'JPY', 100n],
  ])('%j %s', (tran_total, tran_currency, amountMinor) => {
    expect(eventOf({ tran_total, tran_currency }).fact).toMatchObject({
      amountMinor,
      currency: tran_currency,
    })
  })

  it('are what was charged, and what was asked for only where that alone is named', () => {
    expect(eventOf({ cart_amount: '120.00' }).fact?.amountMinor).toBe(10_000n)
    const { tran_total: _, tran_currency: __, ...older } = sale
    expect(eventOf({ cart_amount: '120.00', cart_currency: 'SAR' }, older).fact).toMatchObject({
      amountMinor: 12_000n,
      currency: 'SAR',
    })
  })
})
