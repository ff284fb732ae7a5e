import { describe, expect, it } from 'vitest'
import type { FactKind } from '../../payments/fact.ts'
import type { JsonObject } from './kit/body.ts'
import { signHeaderHmac } from './kit/raw-hmac.ts'
import { RAZORPAY_SIGNATURE, razorpay } from './razorpay.ts'

const SECRET = 'webhook-secret'
const account = { gateway: 'razorpay', account: 'default', secrets: [SECRET], settings: {} }

const payment = {
  id: 'pay_DESlfW9H8K9uqM',
  entity: 'payment',
  amount: 50_000,
  currency: 'INR',
  status: 'captured',
  order_id: 'order_DESlLckIVRkHWj',
  captured: true,
  notes: [],
}
const refund = { id: 'rfnd_1', amount: 19_000, currency: 'INR', payment_id: payment.id, status: 'processed' }
const dispute = { id: 'disp_1', amount: 50_000, currency: 'INR', amount_deducted: 0, status: 'open' }

function eventOf(event: string, entities: Readonly<Record<string, object>>, headerId?: string) {
  const payload = Object.fromEntries(Object.entries(entities).map(([name, entity]) => [name, { entity }]))
  return eventOfBody({ entity: 'event', event, payload, created_at: 1_567_674_606 }, headerId)
}

function eventOfBody(value: JsonObject, headerId?: string) {
  const body = Buffer.from(JSON.stringify(value))
  const headers = {
    'x-razorpay-signature': signHeaderHmac(body, SECRET, RAZORPAY_SIGNATURE),
    'x-razorpay-event-id': headerId,
  }
  const received = razorpay.receive({ body, headers, query: new URLSearchParams() }, account, null)
  if (received.kind !== 'accepted') throw new Error(JSON.stringify(received))
  return received.events[0] ?? expect.fail('no event')
}

describe('the unsigned x-razorpay-event-id', () => {
  it('a replay with a new header id is the same event', () => {
    const genuine = eventOf('payment.captured', { payment }, 'evt-1')
    const replay = eventOf('payment.captured', { payment }, 'evt-2')
    expect(genuine.eventId).toBe('payment.captured:pay_DESlfW9H8K9uqM')
    expect(replay.eventId).toBe(genuine.eventId)
    expect([genuine.gatewayEventId, replay.gatewayEventId]).toEqual(['evt-1', 'evt-2'])
  })

  it.each([undefined, '', 'a'.repeat(256), '\ud800'])('is not shown where it is %j', (headerId) => {
    const event = eventOf('payment.captured', { payment }, headerId)
    expect(event).not.toHaveProperty('gatewayEventId')
    expect(event.fact?.kind).toBe('captured')
  })

  it('does not make one of two events that mean nothing to a payment', () => {
    const first = eventOfBody({ event: 'subscription.updated', payload: {}, created_at: 1 }, 'same')
    const second = eventOfBody({ event: 'subscription.updated', payload: {}, created_at: 2 }, 'same')
    expect(first.eventId).not.toBe(second.eventId)
  })
})

describe('payments', () => {
  it.each<[string, string, FactKind]>([
    ['payment.authorized', 'authorized', 'authorized'],
    ['payment.authorized', 'captured', 'authorized'],
    ['payment.captured', 'captured', 'captured'],
    ['payment.captured', 'refunded', 'captured'],
    ['payment.failed', 'failed', 'failed'],
    ['payment.failed', 'authorized', 'failed'],
  ])('%s of a payment that is %s by then: %s', (event, status, kind) => {
    expect(eventOf(event, { payment: { ...payment, status } })).toMatchObject({
      hold: null,
      fact: {
        kind,
        merchantRef: null,
        gatewayRef: 'order_DESlLckIVRkHWj',
        operationRef: 'pay_DESlfW9H8K9uqM',
        amountMinor: 50_000n,
        currency: 'INR',
      },
    })
  })

  it.each<[string, unknown]>([
    ['payment.captured', 'failed'],
    ['payment.captured', 'authorized'],
    ['payment.authorized', 'failed'],
    ['payment.captured', undefined],
  ])('%s of a payment that is %s is held', (event, status) => {
    expect(eventOf(event, { payment: { ...payment, status } }).hold).toBe('status_contradictory')
  })

  it('one that failed and is authorized late is two events and two facts', () => {
    const failed = eventOf('payment.failed', { payment: { ...payment, status: 'failed' } })
    const late = eventOf('payment.authorized', { payment: { ...payment, status: 'authorized' } })
    expect(late.eventId).not.toBe(failed.eventId)
    expect([failed.fact?.kind, late.fact?.kind]).toEqual(['failed', 'authorized'])
  })

  it.each(['order.paid', 'payment_link.paid', 'invoice.paid', 'refund.created', 'refund.speed_changed'])(
    '%s counts nothing a second time',
    (event) => {
      expect(eventOf(event, { payment, refund, order: { id: 'order_1' } })).toMatchObject({
        fact: null,
        hold: null,
      })
    },
  )

  it.each<[unknown]>([[''], [{ a: 1 }], [1.5], ['x'.repeat(300)], [null]])(
    'is found by its order where the browser wrote %j into its notes',
    (merchant_ref) => {
      const event = eventOf('payment.captured', { payment: { ...payment, notes: { merchant_ref } } })
      expect(event).toMatchObject({ hold: null, fact: { merchantRef: null, gatewayRef: payment.order_id } })
    },
  )

  it('without an order is found by its own id, and by our reference in its notes', () => {
    const alone = { ...payment, order_id: null, notes: { merchant_ref: 'trip-1' } }
    expect(eventOf('payment.captured', { payment: alone }).fact).toMatchObject({
      merchantRef: 'trip-1',
      gatewayRef: 'pay_DESlfW9H8K9uqM',
    })
  })
})

describe('the phase of a dispute', () => {
  const read = (event: string, change: object) =>
    eventOf(event, { payment, dispute: { ...dispute, ...change } }).fact?.kind ?? null

  it.each(['retrieval', 'fraud'])('%s is a question, which takes no money before it is lost', (phase) => {
    expect(read('payment.dispute.created', { phase })).toBeNull()
    expect(read('payment.dispute.lost', { phase, amount_deducted: 50_000 })).toBe('dispute_lost')
    expect(read('payment.dispute.closed', { phase, amount_deducted: 0 })).toBe('dispute_won')
  })

  it.each(['chargeback', 'pre_arbitration', 'arbitration', 'another', undefined])('%s is none', (phase) => {
    expect(read('payment.dispute.created', { phase })).toBe('disputed')
  })
})

describe('amounts', () => {
  it.each<[number, string, bigint]>([
    [100, 'INR', 100n],
    [5, 'JPY', 5n],
    [295_990, 'KWD', 295_990n],
  ])('%d of %s is %d minor units', (amount, currency, minor) => {
    expect(eventOf('payment.captured', { payment: { ...payment, amount, currency } }).fact?.amountMinor).toBe(
      minor,
    )
  })

  it.each<[object, string]>([
    [{ amount: '50000' }, 'amount_unreadable'],
    [{ amount: 0.5 }, 'amount_unreadable'],
    [{ amount: 0 }, 'amount_unreadable'],
    [{ currency: 'inr' }, 'currency_unknown'],
    [{ order_id: 7 }, 'reference_unreadable'],
    [{ id: '' }, 'operation_unreadable'],
  ])('%j is held', (change, hold) => {
    expect(eventOf('payment.captured', { payment: { ...payment, ...change } })).toMatchObject({
      fact: null,
      hold,
    })
  })
})

describe('refunds', () => {
  it('are operations of their own, found by the order of their payment', () => {
    const event = eventOf('refund.processed', { refund, payment })
    expect(event.eventId).toBe('refund.processed:rfnd_1')
    expect(event.fact).toMatchObject({
      kind: 'refunded',
      gatewayRef: payment.order_id,
      operationRef: 'rfnd_1',
      amountMinor: 19_000n,
    })
    const second = eventOf('refund.processed', { refund: { ...refund, id: 'rfnd_2' }, payment })
    expect(second.eventId).not.toBe(event.eventId)
  })

  it('may fail after they were processed', () => {
    expect(eventOf('refund.failed', { refund, payment }).fact).toMatchObject({
      kind: 'refund_failed',
      operationRef: 'rfnd_1',
    })
  })

  it('of a payment that was never captured cancel it: no money was ours', () => {
    const uncaptured = { ...payment, captured: false, status: 'refunded' }
    expect(eventOf('refund.processed', { refund, payment: uncaptured }).fact?.kind).toBe('cancelled')
    expect(eventOf('refund.failed', { refund, payment: uncaptured })).toMatchObject({
      fact: null,
      hold: null,
    })
  })

  it('without their payment are held', () => {
    expect(eventOf('refund.processed', { refund }).hold).toBe('object_unreadable')
  })
})

describe('disputes', () => {
  it.each<[string, object, FactKind | null]>([
    ['created', {}, 'disputed'],
    ['under_review', {}, null],
    ['action_required', {}, null],
    ['won', {}, 'dispute_won'],
    ['lost', { amount_deducted: 50_000 }, 'dispute_lost'],
    ['closed', {}, 'dispute_won'],
    ['closed', { amount_deducted: 50_000 }, 'dispute_lost'],
  ])('%s %j', (word, change, kind) => {
    const event = eventOf(`payment.dispute.${word}`, { payment, dispute: { ...dispute, ...change } })
    expect([event.fact?.kind ?? null, event.hold]).toEqual([kind, null])
    if (kind !== null) expect(event.fact?.operationRef).toBe('disp_1')
  })

  it('closed without saying what was taken is held', () => {
    const { amount_deducted: _, ...unsaid } = dispute
    expect(eventOf('payment.dispute.closed', { payment, dispute: unsaid }).hold).toBe('status_unknown')
  })
})

it('keeps a signed body that is no event, and holds it', () => {
  expect(eventOfBody({ a: 1 }, 'evt-1')).toMatchObject({ type: 'unreadable', hold: 'body_unreadable' })
  expect(eventOfBody({ event: 'payment.captured', payload: [] }).hold).toBe('object_unreadable')
})
