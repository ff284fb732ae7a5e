import { describe, expect, it } from 'vitest'
import type { GatewayAccount, GatewayEvent } from './adapter.ts'
import type { JsonObject } from './kit/body.ts'
import { signHeaderHmac } from './kit/raw-hmac.ts'
import { SHOPIFY_SIGNATURE, shopify } from './shopify.ts'

const SECRET = 'client-secret'
const account: GatewayAccount = { gateway: 'shopify', account: 'default', secrets: [SECRET], settings: {} }

const order: JsonObject = {
  id: 2 ** 60,
  currency: 'USD',
  financial_status: 'paid',
  test: false,
  total_price: '119.40',
  current_total_price: '119.40',
  updated_at: '2026-01-01T10:11:12-05:00',
}
const paid = { ...order, id: 8_209_829_119_461 }
const transaction: JsonObject = {
  id: 389_404_469,
  kind: 'refund',
  status: 'success',
  amount: '41.94',
  currency: 'USD',
}
const refund: JsonObject = {
  id: 2 ** 60,
  order_id: 8_209_829_119_461,
  created_at: '2026-01-01T10:11:12-05:00',
  refund_line_items: [],
  transactions: [transaction],
}
const smallRefund: JsonObject = { ...refund, id: 890_088 }
const dispute: JsonObject = {
  id: 285_332_461,
  order_id: 8_209_829_119_461,
  type: 'chargeback',
  amount: '11.50',
  currency: 'USD',
  status: 'needs_response',
  evidence_due_by: '2026-01-08T00:00:00-05:00',
}

function eventsOf(body: unknown, headers: Record<string, string> = {}): readonly GatewayEvent[] {
  const bytes = Buffer.from(JSON.stringify(body))
  const signed = { ...headers, 'x-shopify-hmac-sha256': signHeaderHmac(bytes, SECRET, SHOPIFY_SIGNATURE) }
  const received = shopify.receive(
    { body: bytes, headers: signed, query: new URLSearchParams() },
    account,
    null,
  )
  if (received.kind !== 'accepted') throw new Error(JSON.stringify(received))
  return received.events
}

function eventOf(body: unknown, headers: Record<string, string> = {}): GatewayEvent {
  return eventsOf(body, headers)[0] ?? expect.fail('no event')
}

describe('orders by their financial_status', () => {
  it.each([
    ['pending', 'pending'],
    ['authorized', 'authorized'],
    ['paid', 'captured'],
    ['voided', 'cancelled'],
    ['expired', 'expired'],
  ])('%s is %s', (status, kind) => {
    expect(eventOf({ ...paid, financial_status: status })).toMatchObject({
      eventId: `order:8209829119461:${status}`,
      type: `order.${status}`,
      hold: null,
      fact: { kind, gatewayRef: '8209829119461', amountMinor: 11_940n, currency: 'USD' },
    })
  })

  it.each(['partially_paid', 'partially_refunded', 'refunded', null])('%s says nothing new', (status) => {
    expect(eventOf({ ...paid, financial_status: status })).toMatchObject({ fact: null, hold: null })
  })

  it('holds a status that nobody knows', () => {
    expect(eventOf({ ...paid, financial_status: 'half_paid' }).hold).toBe('status_unknown')
  })

  it('holds an order of the bogus gateway: no money moved', () => {
    expect(eventOf({ ...paid, test: true })).toMatchObject({ fact: null, hold: 'test_payment' })
  })

  it('has nothing to say of an order that is free', () => {
    expect(eventOf({ ...paid, total_price: '0.00' })).toMatchObject({ fact: null, hold: null })
  })

  it('takes the price that was ordered, and not what edits and refunds left of it', () => {
    expect(eventOf({ ...paid, current_total_price: '1.00' }).fact?.amountMinor).toBe(11_940n)
  })
})

describe('unsigned headers', () => {
  it.each(['orders/paid', 'refunds/create', 'orders/delete', ''])(
    'the topic %j does not decide what an event is',
    (topic) => {
      const headers = { 'x-shopify-topic': topic }
      expect(eventOf(paid, headers).fact?.kind).toBe('captured')
      expect(eventOf(smallRefund, headers).fact?.kind).toBe('refunded')
      expect(eventOf({ id: 1, title: 'a product' }, headers)).toMatchObject({ fact: null, hold: null })
    },
  )

  it('a replay with a new X-Shopify-Event-Id and X-Shopify-Webhook-Id is the same event', () => {
    const first = eventOf(paid, { 'x-shopify-event-id': 'e-1', 'x-shopify-webhook-id': 'w-1' })
    const again = eventOf(paid, { 'x-shopify-event-id': 'e-2', 'x-shopify-webhook-id': 'w-2' })
    expect(again.eventId).toBe(first.eventId)
    expect([first.gatewayEventId, again.gatewayEventId]).toEqual(['e-1', 'e-2'])
  })

  it.each(['', ' ', 'é', 'x'.repeat(300)])('the id %j is not shown', (id) => {
    expect(eventOf(paid, { 'x-shopify-event-id': id }).gatewayEventId).toBeUndefined()
  })
})

describe('refunds', () => {
  it.each([
    ['success', 'refunded'],
    ['failure', 'refund_failed'],
    ['error', 'refund_failed'],
  ])('%s is %s', (status, kind) => {
    expect(eventOf({ ...smallRefund, transactions: [{ ...transaction, status }] })).toMatchObject({
      eventId: `refund:389404469:${status}`,
      fact: { kind, gatewayRef: '8209829119461', operationRef: '389404469', amountMinor: 4_194n },
    })
  })

  it('of two transactions are two operations, each its own event', () => {
    const second = { ...transaction, id: 2, amount: '1.00' }
    const events = eventsOf({ ...smallRefund, transactions: [transaction, second] })
    expect(events.map(({ eventId }) => eventId)).toEqual(['refund:389404469:success', 'refund:2:success'])
    expect(events.map(({ fact }) => fact?.amountMinor)).toEqual([4_194n, 100n])
  })

  it.each<[string, JsonObject[]]>([
    ['nothing was paid back', []],
    ['it waits', [{ ...transaction, status: 'pending' }]],
    ['it is no refund', [{ ...transaction, kind: 'sale' }]],
  ])('carry no fact where %s', (_, transactions) => {
    expect(eventsOf({ ...smallRefund, transactions })).toMatchObject([{ fact: null, hold: null }])
  })

  it('that waited are told by their order once they are done, as the same events', () => {
    const waiting = { ...transaction, status: 'pending' }
    expect(eventsOf({ ...smallRefund, transactions: [waiting] })).toMatchObject([{ fact: null }])
    const { order_id: _, ...nested } = smallRefund
    const updated = { ...paid, financial_status: 'partially_refunded', refunds: [nested] }
    const [first, second, ...none] = eventsOf(updated)
    expect([first?.eventId, first?.fact, none]).toEqual(['order:8209829119461:partially_refunded', null, []])
    expect(second).toEqual(eventOf(smallRefund))
    expect(second?.fact).toMatchObject({ kind: 'refunded', gatewayRef: '8209829119461', amountMinor: 4_194n })
  })

  it('of an order are nothing where they wait, only put goods back or are no list', () => {
    const back = { ...smallRefund, transactions: [] }
    const waiting = { ...smallRefund, transactions: [{ ...transaction, status: 'pending' }] }
    for (const refunds of [[], [back, waiting], [null, 7, {}, { id: 1 }], {}, null])
      expect(eventsOf({ ...paid, refunds })).toHaveLength(1)
    const odd = { ...smallRefund, transactions: [{ ...transaction, amount: 'x' }] }
    expect(eventsOf({ ...paid, refunds: [odd] })[1]).toMatchObject({ hold: 'amount_unreadable' })
    const many = Array.from({ length: 501 }, () => smallRefund)
    expect(eventsOf({ ...paid, refunds: many })).toMatchObject([{}, { hold: 'object_unreadable' }])
  })

  it('with more transactions than an order can have are held', () => {
    const transactions = Array.from({ length: 101 }, (_, id) => ({ ...transaction, id }))
    expect(eventsOf({ ...smallRefund, transactions })).toMatchObject([{ hold: 'object_unreadable' }])
  })
})

describe('disputes', () => {
  it.each([
    ['needs_response', 'disputed'],
    ['under_review', 'disputed'],
    ['won', 'dispute_won'],
    ['lost', 'dispute_lost'],
    ['accepted', 'dispute_lost'],
  ])('%s is %s', (status, kind) => {
    expect(eventOf({ ...dispute, status }).fact).toMatchObject({
      kind,
      gatewayRef: '8209829119461',
      operationRef: '285332461',
      amountMinor: 1_150n,
    })
  })

  it.each([
    ['charge_refunded', 'event_unknown'],
    ['something_new', 'status_unknown'],
    [undefined, 'status_unknown'],
  ])('that ended as %s are held: nobody says what became of the withheld money', (status, hold) => {
    expect(eventOf({ ...dispute, status })).toMatchObject({ fact: null, hold })
    expect(eventOf({ ...dispute, type: 'inquiry', status })).toMatchObject({ fact: null, hold: null })
  })

  it('that are inquiries withdraw nothing, and are another event than the chargeback', () => {
    const inquiry = eventOf({ ...dispute, type: 'inquiry' })
    expect(inquiry).toMatchObject({ fact: null, hold: null })
    expect(inquiry.eventId).not.toBe(eventOf(dispute).eventId)
  })
})

describe('amounts are decimals as text', () => {
  it.each([
    ['119.40', 'USD', 11_940n],
    ['119.4', 'USD', 11_940n],
    ['1500', 'JPY', 1_500n],
    ['1.250', 'KWD', 1_250n],
  ])('%s %s', (total_price, currency, amountMinor) => {
    expect(eventOf({ ...paid, total_price, currency }).fact).toMatchObject({ amountMinor, currency })
  })

  it.each(['119.405', '1e3', '1,000.00', '-5.00', '', null])('holds %s', (total_price) => {
    expect(eventOf({ ...paid, total_price }).hold).toBe('amount_unreadable')
  })

  it('keeps an id that a double cannot hold as unreadable, held', () => {
    expect(eventOf(order).hold).toBe('body_unreadable')
    expect(eventOf(refund).hold).toBe('body_unreadable')
  })
})
