import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { FactKind } from '../../payments/fact.ts'
import { cashfree } from './cashfree.ts'

const NOW_MS = 1_790_000_000_000
const SECRET = 'cfsk_ma_test_secret'
const account = { gateway: 'cashfree', account: 'default', secrets: [SECRET], settings: {} }

const order = { order_id: 'trip-1', order_amount: 200, order_currency: 'INR' }
const payment = {
  cf_payment_id: 1_453_002_795,
  payment_status: 'SUCCESS',
  payment_amount: 170.5,
  payment_currency: 'INR',
}
const refund = {
  cf_refund_id: 11_325_632,
  order_id: 'trip-1',
  refund_amount: 2,
  refund_currency: 'INR',
  refund_status: 'SUCCESS',
}
const dispute = { dispute_id: '433475258', dispute_amount: 3, dispute_status: 'CHARGEBACK_CREATED' }

function receive(
  text: string,
  timestamp = String(NOW_MS),
  signed = timestamp + text,
  nowMs: number | null = NOW_MS,
) {
  const headers = {
    'x-webhook-timestamp': timestamp,
    'x-webhook-signature': createHmac('sha256', SECRET).update(signed).digest('base64'),
  }
  return cashfree.receive({ body: Buffer.from(text), headers, query: new URLSearchParams() }, account, nowMs)
}

function eventOfText(text: string, timestamp?: string) {
  const received = receive(text, timestamp)
  if (received.kind !== 'accepted') throw new Error(JSON.stringify(received))
  return received.events[0] ?? expect.fail('no event')
}

function eventOf(type: string, data: object, timestamp?: string) {
  return eventOfText(JSON.stringify({ data, event_time: '2026-09-21T12:00:00+05:30', type }), timestamp)
}

describe('the signature', () => {
  const text = JSON.stringify({ data: {}, type: 'X' })

  it('covers the timestamp immediately followed by the body: a dot between them is another text', () => {
    expect(receive(text).kind).toBe('accepted')
    expect(receive(text, String(NOW_MS), `${NOW_MS}.${text}`)).toMatchObject({ code: 'signature_invalid' })
    expect(receive(text, String(NOW_MS), text)).toMatchObject({ code: 'signature_invalid' })
  })

  it('a digit cannot move from the timestamp to the body', () => {
    const longer = `1${text}`
    expect(receive(longer, String(NOW_MS).slice(0, -1))).toMatchObject({ code: 'signature_invalid' })
  })

  it('a decimal written anew is another body: "200.12" and 200.12', () => {
    const written = JSON.stringify({ data: { link_amount: '200.12' }, type: 'PAYMENT_LINK_EVENT' })
    const anew = written.replace('"200.12"', '200.12')
    expect(receive(anew, String(NOW_MS), NOW_MS + written)).toMatchObject({ code: 'signature_invalid' })
    expect(receive('{"a":170}', String(NOW_MS), `${NOW_MS}{"a":170.00}`)).toMatchObject({
      code: 'signature_invalid',
    })
  })

  it.each([
    ['milliseconds', String(NOW_MS)],
    ['seconds', String(NOW_MS / 1000)],
  ])('takes %s', (_, timestamp) => {
    expect(receive(text, timestamp).kind).toBe('accepted')
    const late = receive(text, timestamp, timestamp + text, NOW_MS + 3_601_000)
    expect(late).toMatchObject({ kind: 'refused', code: 'signature_expired' })
    expect(receive(text, timestamp, timestamp + text, NOW_MS - 3_601_000)).toMatchObject({
      code: 'signature_expired',
    })
  })

  it.each(['', '0', '17900000000', '1790000000000000', '-1790000000', '1e12', 'now'])(
    'refuses the timestamp %j',
    (timestamp) => {
      expect(receive(text, timestamp).kind).toBe('refused')
    },
  )

  it('is the same event when it is tried again with another timestamp', () => {
    const first = eventOf('PAYMENT_SUCCESS_WEBHOOK', { order, payment })
    const again = eventOf('PAYMENT_SUCCESS_WEBHOOK', { order, payment }, String(NOW_MS + 120_000))
    expect(again).toEqual(first)
    expect(first.eventId).toBe('captured:1453002795')
  })
})

describe('payments', () => {
  it.each<[string, FactKind | null, string | null]>([
    ['SUCCESS', 'captured', null],
    ['FAILED', 'failed', null],
    ['USER_DROPPED', 'failed', null],
    ['CANCELLED', 'cancelled', null],
    ['VOID', 'cancelled', null],
    ['PENDING', 'pending', null],
    ['NOT_ATTEMPTED', 'pending', null],
    ['FLAGGED', null, 'status_unknown'],
    ['success', null, 'status_unknown'],
  ])('%s', (payment_status, kind, hold) => {
    const event = eventOf('PAYMENT_SUCCESS_WEBHOOK', { order, payment: { ...payment, payment_status } })
    expect([event.fact?.kind ?? null, event.hold]).toEqual([kind, hold])
  })

  it('counts what this attempt paid and not what the order costs', () => {
    expect(eventOf('PAYMENT_SUCCESS_WEBHOOK', { order, payment }).fact).toEqual({
      kind: 'captured',
      merchantRef: 'trip-1',
      gatewayRef: null,
      operationRef: '1453002795',
      amountMinor: 17_050n,
      currency: 'INR',
    })
  })

  it.each([
    ['170.00', 17_000n],
    ['170', 17_000n],
    ['0.07', 7n],
    ['"200.12"', 20_012n],
    ['200.120', 20_012n],
  ])('reads %s without a float', (written, minor) => {
    const data = JSON.stringify({ order, payment: { ...payment, payment_amount: 'AMOUNT' } })
    const text = `{"data":${data.replace('"AMOUNT"', written)},"type":"PAYMENT_SUCCESS_WEBHOOK"}`
    expect(eventOfText(text).fact?.amountMinor).toBe(minor)
  })

  it.each<[object, string]>([
    [{ payment_amount: 1.005 }, 'amount_unreadable'],
    [{ payment_amount: '1,00' }, 'amount_unreadable'],
    [{ payment_amount: -1 }, 'amount_unreadable'],
    [{ payment_currency: 'XXX' }, 'currency_unknown'],
    [{ cf_payment_id: null }, 'operation_unreadable'],
  ])('%j is held', (change, hold) => {
    const event = eventOf('PAYMENT_SUCCESS_WEBHOOK', { order, payment: { ...payment, ...change } })
    expect(event).toMatchObject({ fact: null, hold })
  })

  it.each(['PAYMENT_LINK_EVENT', 'PAYMENT_CHARGES_WEBHOOK', 'SETTLEMENT_SUCCESS'])(
    '%s counts nothing',
    (type) => {
      expect(eventOf(type, { order, payment })).toMatchObject({ fact: null, hold: null })
    },
  )
})

describe('refunds', () => {
  it.each<[string, FactKind | null, string | null]>([
    ['SUCCESS', 'refunded', null],
    ['CANCELLED', 'refund_failed', null],
    ['FAILED', 'refund_failed', null],
    ['PENDING', null, null],
    ['ONHOLD', null, null],
    ['REVERSED', null, 'status_unknown'],
  ])('%s', (refund_status, kind, hold) => {
    const event = eventOf('REFUND_STATUS_WEBHOOK', { refund: { ...refund, refund_status } })
    expect([event.fact?.kind ?? null, event.hold]).toEqual([kind, hold])
  })

  it('are operations of their own', () => {
    const first = eventOf('REFUND_STATUS_WEBHOOK', { refund })
    const second = eventOf('REFUND_STATUS_WEBHOOK', { refund: { ...refund, cf_refund_id: 'r-2' } })
    expect(first.fact).toMatchObject({ merchantRef: 'trip-1', operationRef: '11325632', amountMinor: 200n })
    expect([first.eventId, second.eventId]).toEqual(['refunded:11325632', 'refunded:r-2'])
  })
})

describe('refunds that Cashfree makes by itself', () => {
  const auto_refund = {
    cf_refund_id: 1243460973,
    cf_payment_id: '2148333968',
    order_id: 'trip-1',
    refund_amount: 39,
    refund_currency: 'INR',
    refund_status: 'SUCCESS',
    refund_reason: 'Multiple payments were performed against same order.',
  }
  const told = (change: object, timestamp?: string) =>
    eventOf('AUTO_REFUND_STATUS_WEBHOOK', { auto_refund: { ...auto_refund, ...change } }, timestamp)

  it.each([
    'Refunded to customer for Dispute',
    'Multiple payments were performed against same order.',
    'Payment details (amount, bank, etc.) do not match with created order or the payment was made after TTL',
    'something new',
    null,
  ])('may be of money that we booked, and name no more than its order: held (%s)', (refund_reason) => {
    expect(told({ refund_reason })).toMatchObject({ fact: null, hold: 'event_unknown' })
  })

  it.each([
    'Credit was received for an incomplete payment.',
    'Payment made directly to your VPA without order creation',
  ])('are nothing to us where no payment of ours was told: %s', (refund_reason) => {
    expect(told({ refund_reason })).toMatchObject({ fact: null, hold: null })
  })

  it('are nothing yet while they are initiated, and one event however often they are told', () => {
    expect(told({ refund_status: { toString: 1 } }).hold).toBe('event_unknown')
    expect(told({ refund_status: 'INITIATED' })).toMatchObject({ fact: null, hold: null })
    expect(told({}).eventId).toBe('auto_refund:1243460973:SUCCESS')
    expect(told({}, String(NOW_MS + 60_000))).toEqual(told({}))
    expect(eventOf('AUTO_REFUND_STATUS_WEBHOOK', {}).hold).toBe('object_unreadable')
  })
})

describe('disputes', () => {
  it.each<[string, FactKind | null]>([
    ['CHARGEBACK_CREATED', 'disputed'],
    ['DISPUTE_CREATED', 'disputed'],
    ['CHARGEBACK_DOCS_RECEIVED', null],
    ['CHARGEBACK_UNDER_REVIEW', null],
    ['CHARGEBACK_MERCHANT_WON', 'dispute_won'],
    ['CHARGEBACK_MERCHANT_LOST', 'dispute_lost'],
    ['CHARGEBACK_MERCHANT_ACCEPTED', 'dispute_lost'],
    ['CHARGEBACK_INSUFFICIENT_EVIDENCE', null],
    ['ARBITRATION_INSUFFICIENT_EVIDENCE', null],
    ['RETRIEVAL_CREATED', null],
    ['RETRIEVAL_MERCHANT_LOST', null],
  ])('%s', (dispute_status, kind) => {
    const data = { dispute: { ...dispute, dispute_status }, order_details: order }
    const event = eventOf('DISPUTE_UPDATED', data)
    expect([event.fact?.kind ?? null, event.hold]).toEqual([kind, null])
  })

  it('begin anew with the next stage under the same id', () => {
    const statuses = ['CHARGEBACK_MERCHANT_WON', 'PRE_ARBITRATION_CREATED']
    const refs = statuses.map((dispute_status) => {
      const data = { dispute: { ...dispute, dispute_status }, order_details: order }
      return eventOf('DISPUTE_CREATED', data).fact?.operationRef
    })
    expect(refs).toEqual(['433475258:CHARGEBACK', '433475258:PRE_ARBITRATION'])
  })
})

it('keeps a signed body that is no event, and holds it', () => {
  expect(eventOfText('{"type":1}')).toMatchObject({ hold: 'body_unreadable' })
  expect(eventOf('PAYMENT_SUCCESS_WEBHOOK', { order })).toMatchObject({ hold: 'object_unreadable' })
})
