import { describe, expect, it } from 'vitest'
import type { FactKind } from '../../payments/fact.ts'
import { maySettle } from '../event.ts'
import type { JsonObject } from './kit/body.ts'
import { midtrans, signMidtrans } from './midtrans.ts'

const SECRET = 'SB-Mid-server-test'
const account = { gateway: 'midtrans', account: 'default', secrets: [SECRET], settings: {} }

const settled = {
  transaction_time: '2018-11-05 12:16:53',
  transaction_status: 'settlement',
  transaction_id: '9a83774c',
  status_code: '200',
  order_id: 'trip-1',
  gross_amount: '200000.00',
  fraud_status: 'accept',
  currency: 'IDR',
}

function receive(body: JsonObject, signature_key: unknown = signMidtrans(body, SECRET)) {
  const bytes = Buffer.from(JSON.stringify({ ...body, signature_key }))
  return midtrans.receive({ body: bytes, headers: {}, query: new URLSearchParams() }, account, null)
}

function eventsOf(body: JsonObject, signature?: unknown) {
  const received = receive(body, signature)
  if (received.kind !== 'accepted') throw new Error(JSON.stringify(received))
  return received.events
}

function eventOf(body: JsonObject, signature?: unknown) {
  return eventsOf(body, signature)[0] ?? expect.fail('no event')
}

describe('what is signed', () => {
  const signature = signMidtrans(settled, SECRET)

  it.each([
    ['order_id', 'trip-2'],
    ['status_code', '201'],
    ['gross_amount', '200000.01'],
  ])('another %s is refused', (field, value) => {
    expect(receive({ ...settled, [field]: value }, signature)).toMatchObject({ code: 'signature_invalid' })
  })

  it.each([
    ['a number', 200_000],
    ['without its digits', '200000'],
    ['with a digit more', '200000.000'],
    ['with a sign', '+200000.00'],
    ['with a nought before it', '0200000.00'],
  ])('gross_amount is the exact text: %s is refused', (_, gross_amount) => {
    expect(receive({ ...settled, gross_amount }, signature)).toMatchObject({ code: 'signature_invalid' })
  })

  it.each([
    ['transaction_status', 'refund'],
    ['transaction_id', 'another'],
    ['fraud_status', 'deny'],
    ['currency', 'USD'],
    ['refund_amount', '1.00'],
  ])('another %s verifies, and moves nothing', (field, value) => {
    const event = eventOf({ ...settled, [field]: value }, signature)
    expect(event.signed).toEqual([])
    expect(maySettle(midtrans, event)).toBe(false)
  })

  it('digits that move from the order to the amount have the same signature, and move nothing', () => {
    const small = { ...settled, order_id: 'X200', gross_amount: '200.00' }
    const large = { ...settled, order_id: 'X', gross_amount: '200200.00' }
    expect(signMidtrans(large, SECRET)).toBe(signMidtrans(small, SECRET))
    const event = eventOf(large, signMidtrans(small, SECRET))
    expect(event.fact?.amountMinor).toBe(20_020_000n)
    expect(maySettle(midtrans, event)).toBe(false)
    expect(midtrans.confirmFirst).toBe(true)
  })

  it.each<[string, unknown, string]>([
    ['none', undefined, 'signature_missing'],
    ['an empty one', '', 'signature_missing'],
    ['a number', 1, 'signature_invalid'],
    ['a short one', 'ab', 'signature_invalid'],
    ['128 characters that are no hex', 'g'.repeat(128), 'signature_invalid'],
    ['another', '0'.repeat(128), 'signature_invalid'],
  ])('%s is refused', (_, key, code) => {
    const body = Buffer.from(JSON.stringify({ ...settled, signature_key: key }))
    const result = midtrans.receive({ body, headers: {}, query: new URLSearchParams() }, account, null)
    expect(result).toMatchObject({ kind: 'refused', code })
  })

  it('the signature of one order takes no event id of another', () => {
    const other = { ...settled, order_id: 'trip-2' }
    expect(eventOf(other).eventId).not.toBe(eventOf(settled).eventId)
    expect(eventOf(other).gatewayEventId).toBe(eventOf(settled).gatewayEventId)
  })
})

describe('the status', () => {
  it.each<[string, string, string | undefined, FactKind | null, string | null]>([
    ['authorize', '200', 'accept', 'authorized', null],
    ['capture', '200', 'accept', 'captured', null],
    ['capture', '200', undefined, 'captured', null],
    ['capture', '201', 'challenge', 'pending', null],
    ['capture', '202', 'deny', 'failed', null],
    ['capture', '200', 'maybe', null, 'status_unknown'],
    ['settlement', '200', 'accept', 'captured', null],
    ['settlement', '201', 'accept', null, 'status_contradictory'],
    ['pending', '201', 'accept', 'pending', null],
    ['deny', '202', 'accept', 'failed', null],
    ['failure', '202', undefined, 'failed', null],
    ['cancel', '200', 'accept', 'cancelled', null],
    ['expire', '407', undefined, 'expired', null],
    ['paid', '200', 'accept', null, 'status_unknown'],
    ['PENDING', '200', 'accept', 'pending', null],
  ])('%s %s %s', (transaction_status, status_code, fraud_status, kind, hold) => {
    const event = eventOf({ ...settled, transaction_status, status_code, fraud_status })
    expect([event.fact?.kind ?? null, event.hold]).toEqual([kind, hold])
  })

  it('reads the whole fact, IDR where no currency is named', () => {
    const { currency: _, ...unnamed } = settled
    expect(eventOf(unnamed).fact).toEqual({
      kind: 'captured',
      merchantRef: 'trip-1',
      gatewayRef: null,
      operationRef: '9a83774c',
      amountMinor: 20_000_000n,
      currency: 'IDR',
    })
  })

  it('knows that the time is that of Jakarta', () => {
    expect(eventOf(settled).occurredAt?.toISOString()).toBe('2018-11-05T05:16:53.000Z')
    expect(eventOf({ ...settled, transaction_time: 'now' }).occurredAt).toBeNull()
  })

  it('capture and settlement are two events of one operation', () => {
    const captured = eventOf({ ...settled, transaction_status: 'capture' })
    expect(captured.eventId).not.toBe(eventOf(settled).eventId)
    expect(captured.fact).toEqual(eventOf(settled).fact)
  })
})

describe('refunds and chargebacks', () => {
  const refunds = [
    { refund_chargeback_id: 1, refund_amount: '5000.00', refund_key: 'a' },
    { refund_chargeback_id: 2, refund_amount: '7000.00', refund_key: 'b' },
  ]

  const chargeback = { refund_chargeback_id: 3, refund_amount: '3000.00', refund_key: '' }

  it('are operations of their own, and told again beside the next one they are the same events', () => {
    const first = { ...settled, transaction_status: 'partial_refund', refunds: refunds.slice(0, 1) }
    const both = { ...first, refunds, refund_amount: '12000.00' }
    const [one] = eventsOf(first)
    const [again, two] = eventsOf(both)
    expect(again).toEqual(one)
    expect([one?.fact?.operationRef, two?.fact?.operationRef]).toEqual(['1', '2'])
    expect([one?.fact?.amountMinor, two?.fact?.amountMinor]).toEqual([500_000n, 700_000n])
    expect(two?.eventId).not.toBe(one?.eventId)
  })

  it.each<[string, object, FactKind, bigint | null, string | null]>([
    ['refund', {}, 'refunded', 20_000_000n, null],
    ['refund', { refund_amount: '200000.00' }, 'refunded', 20_000_000n, null],
    ['partial_refund', { refund_amount: '5000.00' }, 'refunded', 500_000n, null],
    ['partial_refund', {}, 'refunded', null, 'amount_unreadable'],
    ['chargeback', {}, 'disputed', 20_000_000n, null],
    ['partial_chargeback', { refunds: [chargeback] }, 'disputed', 300_000n, null],
    ['partial_chargeback', { refunds: [refunds[0]] }, 'disputed', null, 'status_contradictory'],
    [
      'chargeback',
      { refunds: [{ ...chargeback, refund_method: 'online' }] },
      'disputed',
      null,
      'status_contradictory',
    ],
  ])('%s %j', (transaction_status, more, kind, amount, hold) => {
    const event = eventOf({ ...settled, transaction_status, ...more })
    expect(event.hold).toBe(hold)
    expect(event.fact?.amountMinor ?? null).toBe(amount)
    if (hold === null) expect(event.fact?.kind).toBe(kind)
    expect(event.fact?.operationRef).not.toBe('9a83774c')
  })

  it('an entry that cannot be read is held', () => {
    const body = { ...settled, transaction_status: 'refund', refunds: [null, { refund_amount: '1.00' }] }
    expect(eventsOf(body).map(({ hold }) => hold)).toEqual(['object_unreadable', 'operation_unreadable'])
  })
})
