import { describe, expect, it } from 'vitest'
import type { FactKind } from '../../payments/fact.ts'
import { maySettle } from '../event.ts'
import type { JsonObject } from './kit/body.ts'
import { xendit } from './xendit.ts'

const TOKEN = 'xnd-callback-token'
const account = { gateway: 'xendit', account: 'default', secrets: ['old', TOKEN], settings: {} }

const payment = {
  id: 'py-1',
  payment_request_id: 'pr-1',
  reference_id: 'trip-1',
  amount: 15_000,
  currency: 'IDR',
  status: 'SUCCEEDED',
}
const paymentV3 = {
  payment_id: 'py-3',
  payment_request_id: 'pr-3',
  reference_id: 'trip-1',
  request_amount: 15_000,
  currency: 'IDR',
  status: 'SUCCEEDED',
}
const refund = {
  id: 'rfd-1',
  payment_request_id: 'pr-1',
  reference_id: 'refund-of-ours',
  amount: 5_000,
  currency: 'IDR',
  status: 'SUCCEEDED',
}
const invoice = {
  id: '579c8d61f23fa4ca35e52da4',
  external_id: 'trip-1',
  status: 'PAID',
  amount: 50_000,
  paid_amount: 50_000,
  currency: 'IDR',
  paid_at: '2016-10-12T08:15:03.404Z',
}

function receive(body: JsonObject, token: string | undefined = TOKEN, webhookId?: string) {
  const headers = { 'x-callback-token': token, 'webhook-id': webhookId }
  const delivery = { body: Buffer.from(JSON.stringify(body)), headers, query: new URLSearchParams() }
  return xendit.receive(delivery, account, null)
}

function eventOf(body: JsonObject, webhookId?: string) {
  const received = receive(body, TOKEN, webhookId)
  if (received.kind !== 'accepted') throw new Error(JSON.stringify(received))
  return received.events[0] ?? expect.fail('no event')
}

function paid(change: object = {}) {
  return { event: 'payment.succeeded', created: '2026-01-01T00:00:00Z', data: { ...payment, ...change } }
}

describe('the token', () => {
  it.each<[string, string | undefined, string]>([
    ['none', '', 'signature_missing'],
    ['another', 'xnd-callback-tokem', 'signature_invalid'],
    ['its beginning', 'xnd-callback', 'signature_invalid'],
    ['more than it', `${TOKEN}x`, 'signature_invalid'],
    ['it twice', `${TOKEN}, ${TOKEN}`, 'signature_invalid'],
    ['in other case', TOKEN.toUpperCase(), 'signature_invalid'],
  ])('%s is refused', (_, token, code) => {
    expect(receive(paid(), token)).toMatchObject({ kind: 'refused', code })
  })

  it('is not kept with the event', () => {
    const received = receive(paid())
    expect(received).toMatchObject({ kind: 'accepted', secretIndex: 1 })
    expect(
      JSON.stringify(received, (_, value) => (typeof value === 'bigint' ? `${value}` : value)),
    ).not.toContain(TOKEN)
  })

  it('proves nothing of the body: any other verifies too, and moves nothing', () => {
    const event = eventOf(paid({ amount: 99_000_000 }))
    expect(event).toMatchObject({ hold: null, signed: [], fact: { amountMinor: 9_900_000_000n } })
    expect(maySettle(xendit, event)).toBe(false)
  })

  it('a replay with another webhook-id is the same event', () => {
    const [one, two] = [eventOf(paid(), 'wh-1'), eventOf(paid(), 'wh-2')]
    expect([one.eventId, two.eventId]).toEqual(['request:pr-1:SUCCEEDED', 'request:pr-1:SUCCEEDED'])
    expect([one.gatewayEventId, two.gatewayEventId]).toEqual(['wh-1', 'wh-2'])
  })
})

describe('payments', () => {
  it.each<[string, FactKind | null]>([
    ['SUCCEEDED', 'captured'],
    ['AUTHORIZED', 'authorized'],
    ['AWAITING_CAPTURE', 'authorized'],
    ['PENDING', 'pending'],
    ['REQUIRES_ACTION', 'pending'],
    ['ACCEPTING_PAYMENTS', 'pending'],
    ['FAILED', 'failed'],
    ['EXPIRED', 'expired'],
    ['CANCELED', 'cancelled'],
    ['CANCELLED', 'cancelled'],
    ['VOIDED', 'cancelled'],
    ['PAID', null],
    ['succeeded', null],
  ])('%s', (status, kind) => {
    for (const data of [payment, paymentV3]) {
      const event = eventOf({ event: 'payment.succeeded', data: { ...data, status } })
      expect([event.fact?.kind ?? null, event.hold]).toEqual([kind, kind === null ? 'status_unknown' : null])
    }
  })

  it('of version 2 are known by their request, of version 3 by their own id', () => {
    const common = { kind: 'captured', merchantRef: 'trip-1', amountMinor: 1_500_000n, currency: 'IDR' }
    expect(eventOf(paid()).fact).toEqual({ ...common, gatewayRef: 'pr-1', operationRef: 'pr-1' })
    const event = eventOf({ event: 'payment.capture', data: paymentV3 })
    expect(event.fact).toEqual({ ...common, gatewayRef: 'pr-3', operationRef: 'py-3' })
    expect(event.eventId).toBe('payment:py-3:SUCCEEDED')
  })

  it('that were captured in parts count by what was captured', () => {
    const captures = [{ capture_amount: 4_000 }, { capture_amount: 6_000 }]
    const data = { ...paymentV3, captures }
    expect(eventOf({ event: 'payment.capture', data }).fact?.amountMinor).toBe(1_000_000n)
    const odd = { ...paymentV3, captures: [{ capture_amount: 'much' }] }
    expect(eventOf({ event: 'payment.capture', data: odd }).hold).toBe('amount_unreadable')
  })

  it('whose request expired are expired', () => {
    const data = { ...paymentV3, payment_id: undefined, status: 'EXPIRED' }
    expect(eventOf({ event: 'payment_request.expiry', data }).fact).toMatchObject({
      kind: 'expired',
      operationRef: 'pr-3',
    })
  })

  it.each<[unknown, string, bigint | null]>([
    [15_000, 'IDR', 1_500_000n],
    [100.5, 'PHP', 10_050n],
    ['100.50', 'PHP', 10_050n],
    [20_000, 'VND', 20_000n],
    [0.5, 'VND', null],
    [100.555, 'PHP', null],
    [-1, 'IDR', null],
  ])('%s of %s', (amount, currency, minor) => {
    expect(eventOf(paid({ amount, currency })).fact?.amountMinor ?? null).toBe(minor)
  })
})

describe('refunds', () => {
  it.each<[string, FactKind | null, string | null]>([
    ['SUCCEEDED', 'refunded', null],
    ['FAILED', 'refund_failed', null],
    ['CANCELLED', 'refund_failed', null],
    ['PENDING', null, null],
    ['DONE', null, 'status_unknown'],
  ])('%s', (status, kind, hold) => {
    const event = eventOf({ event: 'refund.succeeded', data: { ...refund, status } })
    expect([event.fact?.kind ?? null, event.hold]).toEqual([kind, hold])
  })

  it("are operations of their own, found by the payment's request and not by their own reference", () => {
    const event = eventOf({ event: 'refund.succeeded', data: refund })
    expect(event.eventId).toBe('refund:rfd-1:SUCCEEDED')
    expect(event.fact).toMatchObject({ merchantRef: null, gatewayRef: 'pr-1', operationRef: 'rfd-1' })
    const ofInvoice = { ...refund, payment_request_id: null, invoice_id: 'inv-1' }
    expect(eventOf({ event: 'refund.succeeded', data: ofInvoice }).fact?.gatewayRef).toBe('inv-1')
  })

  it.each([
    ['an empty invoice, as the documents show it', { invoice_id: '' }, 'pr-1'],
    ['an empty request', { payment_request_id: '', invoice_id: 'inv-1' }, 'inv-1'],
    ['both: its payment is known by the invoice, which told of it', { invoice_id: 'inv-1' }, 'inv-1'],
    ['neither', { payment_request_id: null, invoice_id: null, payment_id: 'ewc-1' }, 'ewc-1'],
  ])('find their payment with %s', (_, change, gatewayRef) => {
    const data = { ...refund, payment_request_id: 'pr-1', ...change }
    expect(eventOf({ event: 'refund.succeeded', data }).fact).toMatchObject({ gatewayRef })
  })
})

describe('invoices', () => {
  it.each<[string, FactKind | null]>([
    ['PAID', 'captured'],
    ['SETTLED', 'captured'],
    ['PENDING', 'pending'],
    ['EXPIRED', 'expired'],
    ['DRAFT', null],
  ])('%s', (status, kind) => {
    const event = eventOf({ ...invoice, status })
    expect([event.type, event.fact?.kind ?? null]).toEqual([`invoice.${status}`, kind])
  })

  it('count by what was paid, in IDR where no currency is named', () => {
    const { currency: _, ...unnamed } = invoice
    expect(eventOf({ ...unnamed, paid_amount: 40_000 }).fact).toEqual({
      kind: 'captured',
      merchantRef: 'trip-1',
      gatewayRef: invoice.id,
      operationRef: invoice.id,
      amountMinor: 4_000_000n,
      currency: 'IDR',
    })
  })
})

it.each<[JsonObject, string | null]>([
  [{ event: 'payment_token.activation', data: { id: 'pt-1' } }, null],
  [{ event: 'payment_session.completed', data: { payment_id: 'py-1' } }, null],
  [
    { event: 'ewallet.capture', data: { id: 'ewc-1', status: 'SUCCEEDED', charge_amount: 1000 } },
    'event_unknown',
  ],
  [{ event: 'ewallet.void', data: { id: 'ewc-1', status: 'VOIDED' } }, 'event_unknown'],
  [{ event: 'qr.payment', data: { id: 'qrpy-1', status: 'SUCCEEDED', amount: 1000 } }, 'event_unknown'],
  [{ event: 'direct_debit.payment', data: { id: 'ddpy-1' } }, 'event_unknown'],
  [{ event: 'paylater.payment', data: { id: 'plc-1' } }, 'event_unknown'],
  [{ event: 'dispute.lost', id: 'mi-dspt-1', status: 'LOST', payment_id: 'py-1' }, 'event_unknown'],
  [{ event: 'payment.succeeded', data: null }, 'object_unreadable'],
  [{ event: 'payment.succeeded', data: {} }, 'object_unreadable'],
  [{ event: 7 }, 'object_unreadable'],
  [{}, 'object_unreadable'],
])('%j has no fact', (body, hold) => {
  if (hold === 'event_unknown') expect(eventOf({ ...body, created: 'x' }).eventId).toBe(eventOf(body).eventId)
  expect(eventOf(body)).toMatchObject({ fact: null, hold })
})
