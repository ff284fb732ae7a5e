import { describe, expect, it } from 'vitest'
import type { FactKind } from '../../payments/fact.ts'
import { maySettle } from '../event.ts'
import type { JsonObject } from './kit/body.ts'
import { phonepe, signPhonepeV1, signPhonepeV2 } from './phonepe.ts'

const PAIR = 'hookuser:Passw0rd1'
const SALT = 'salt-key:1'
const account = { gateway: 'phonepe', account: 'default', secrets: [PAIR, SALT], settings: {} }

const order = {
  merchantId: 'M',
  merchantOrderId: 'trip-1',
  orderId: 'OMO1',
  state: 'COMPLETED',
  amount: 10_000,
  paymentDetails: [{ transactionId: 'OM1', amount: 10_000, state: 'COMPLETED' }],
}
const refund = {
  merchantRefundId: 'r-1',
  originalMerchantOrderId: 'trip-1',
  refundId: 'OMR1',
  amount: 4_000,
  state: 'COMPLETED',
}

function receive(body: JsonObject | string, headers: Readonly<Record<string, string | undefined>>) {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
  return phonepe.receive({ body: bytes, headers, query: new URLSearchParams() }, account, null)
}

function eventIn(received: ReturnType<typeof receive>) {
  if (received.kind !== 'accepted') throw new Error(JSON.stringify(received))
  return received.events[0] ?? expect.fail('no event')
}

function eventOf(event: string, payload: JsonObject) {
  return eventIn(receive({ event, payload }, { authorization: signPhonepeV2(PAIR) }))
}

describe('version 2', () => {
  const body = { event: 'checkout.order.completed', payload: order }
  const hash = signPhonepeV2(PAIR)

  it.each([hash, `SHA256 ${hash}`, hash.toUpperCase(), `sha256 ${hash}`])('takes %s', (authorization) => {
    expect(receive(body, { authorization })).toMatchObject({ kind: 'accepted', secretIndex: 0 })
  })

  it.each<[string | undefined, string]>([
    [undefined, 'signature_missing'],
    ['', 'signature_missing'],
    ['0'.repeat(64), 'signature_invalid'],
    [hash.slice(1), 'signature_invalid'],
    [`SHA256  ${hash}`, 'signature_invalid'],
    [`Basic ${hash}`, 'signature_invalid'],
    [`${hash}, ${hash}`, 'signature_invalid'],
    [`Basic ${Buffer.from(PAIR).toString('base64')}`, 'signature_invalid'],
    [PAIR, 'signature_invalid'],
  ])('refuses %s', (authorization, code) => {
    expect(receive(body, { authorization })).toMatchObject({ kind: 'refused', code })
  })

  it('a digit cannot move from the user to the password: the pair is one text', () => {
    expect(receive(body, { authorization: signPhonepeV2('hookuse:rPassw0rd1') }).kind).toBe('refused')
  })

  it('proves nothing of the body: any other verifies too, and moves nothing', () => {
    const event = eventOf('checkout.order.completed', { ...order, amount: 1 })
    expect(event).toMatchObject({ hold: null, signed: [], fact: { amountMinor: 1n } })
    expect(maySettle(phonepe, event)).toBe(false)
  })

  it('keeps neither the password nor the header with the event', () => {
    const { events: _, ...kept } = receive(body, { authorization: hash }) as { events: unknown }
    expect(JSON.stringify(kept)).not.toContain(hash)
  })
})

describe('orders', () => {
  it.each<[string, FactKind | null, string | null]>([
    ['COMPLETED', 'captured', null],
    ['PENDING', 'pending', null],
    ['FAILED', 'failed', null],
    ['completed', null, 'status_unknown'],
    ['REFUNDED', null, 'status_unknown'],
  ])('%s, whatever the event is called', (state, kind, hold) => {
    const event = eventOf('checkout.order.completed', { ...order, state })
    expect([event.fact?.kind ?? null, event.hold]).toEqual([kind, hold])
  })

  it('are read from the root of the payload, and not from their attempts', () => {
    const event = eventOf('checkout.order.completed', {
      ...order,
      paymentDetails: [{ amount: 1, state: 'FAILED' }],
    })
    expect(event.eventId).toBe('checkout.order.completed:OMO1:COMPLETED')
    expect(event.fact).toEqual({
      kind: 'captured',
      merchantRef: 'trip-1',
      gatewayRef: 'OMO1',
      operationRef: 'OMO1',
      amountMinor: 10_000n,
      currency: 'INR',
    })
  })

  it.each(['pg.order.completed', 'PG_ORDER_COMPLETED', 'CHECKOUT_ORDER_COMPLETED'])(
    '%s is one, too',
    (event) => {
      expect(eventOf(event, order).fact?.kind).toBe('captured')
      const { authorization } = { authorization: signPhonepeV2(PAIR) }
      expect(eventIn(receive({ type: event, payload: order }, { authorization })).type).toBe(event)
    },
  )

  it.each([
    'checkout.transaction.attempt.failed',
    'pg.transaction.failed',
    'subscription.setup.order.completed',
    'settlement.initiated',
  ])('%s leaves the order as it is', (event) => {
    expect(eventOf(event, order)).toMatchObject({ fact: null, hold: null })
  })

  it.each<[object, string]>([
    [{ amount: 100.5 }, 'amount_unreadable'],
    [{ amount: '10000' }, 'amount_unreadable'],
    [{ amount: 0 }, 'amount_unreadable'],
    [{ orderId: null }, 'operation_unreadable'],
    [{ merchantOrderId: 7 }, 'reference_unreadable'],
  ])('%j is held', (change, hold) => {
    expect(eventOf('checkout.order.completed', { ...order, ...change })).toMatchObject({ fact: null, hold })
  })
})

describe('refunds', () => {
  it.each<[string, FactKind | null, string | null]>([
    ['COMPLETED', 'refunded', null],
    ['FAILED', 'refund_failed', null],
    ['CONFIRMED', null, null],
    ['PENDING', null, null],
    ['DONE', null, 'status_unknown'],
  ])('%s', (state, kind, hold) => {
    const event = eventOf('pg.refund.completed', { ...refund, state })
    expect([event.fact?.kind ?? null, event.hold]).toEqual([kind, hold])
  })

  it('are operations of their own', () => {
    const event = eventOf('pg.refund.completed', refund)
    expect(event.eventId).toBe('pg.refund.completed:OMR1:COMPLETED')
    expect(event.fact).toMatchObject({ merchantRef: 'trip-1', operationRef: 'r-1', amountMinor: 4_000n })
  })

  it("are known by PhonePe's id where ours is missing", () => {
    const { merchantRefundId: _, ...unnamed } = refund
    expect(eventOf('pg.refund.completed', unnamed).fact).toMatchObject({ operationRef: 'OMR1' })
  })
})

describe('version 1', () => {
  const data = { merchantTransactionId: 'trip-1', transactionId: 'T1', amount: 10_000, state: 'COMPLETED' }
  const response = base64({ success: true, code: 'PAYMENT_SUCCESS', data })
  const signature = signPhonepeV1(response, 'salt-key', '1')

  function base64(value: JsonObject): string {
    return Buffer.from(JSON.stringify(value)).toString('base64')
  }

  function eventOfResponse(value: JsonObject) {
    const text = base64(value)
    return eventIn(receive({ response: text }, { 'x-verify': signPhonepeV1(text, 'salt-key', '1') }))
  }

  it('hashes the response and the salt key, and names the index', () => {
    const received = receive({ response }, { 'x-verify': signature })
    expect(received).toMatchObject({ kind: 'accepted', secretIndex: 1 })
    expect(eventIn(received)).toMatchObject({
      eventId: 'T1:COMPLETED',
      tier: 'B',
      fact: { merchantRef: 'trip-1' },
    })
    expect(maySettle(phonepe, eventIn(received))).toBe(false)
  })

  it.each<[string, string, string]>([
    ['nothing', '', 'signature_missing'],
    ['no index', signature.slice(0, 64), 'signature_invalid'],
    ['another index', `${signature.slice(0, 64)}###2`, 'signature_invalid'],
    ['another hash', `${'0'.repeat(64)}###1`, 'signature_invalid'],
    ['it twice', `${signature}, ${signature}`, 'signature_invalid'],
    ['the hash of version 2', signPhonepeV2(PAIR), 'signature_invalid'],
  ])('refuses %s', (_, header, code) => {
    expect(receive({ response }, { 'x-verify': header })).toMatchObject({ kind: 'refused', code })
  })

  it('refuses another response, and takes no part of version 2 for it', () => {
    const other = base64({ success: true, code: 'PAYMENT_SUCCESS', data: { ...data, amount: 1 } })
    expect(receive({ response: other }, { 'x-verify': signature })).toMatchObject({
      code: 'signature_invalid',
    })
    const headers = { 'x-verify': '', authorization: signPhonepeV2(PAIR) }
    expect(receive({ response }, headers)).toMatchObject({ code: 'signature_missing' })
    expect(receive({ payload: order }, { 'x-verify': signature })).toMatchObject({ code: 'malformed_body' })
  })

  it.each<[string, string, FactKind | null]>([
    ['PAYMENT_SUCCESS', 'COMPLETED', 'captured'],
    ['PAYMENT_PENDING', 'PENDING', 'pending'],
    ['PAYMENT_ERROR', 'FAILED', 'failed'],
    ['PAYMENT_DECLINED', 'FAILED', 'failed'],
    ['TIMED_OUT', 'FAILED', 'expired'],
    ['PAYMENT_SUCCESS', 'FAILED', null],
    ['PAYMENT_ERROR', 'COMPLETED', null],
    ['INTERNAL_SERVER_ERROR', 'PENDING', null],
  ])('%s and %s', (code, state, kind) => {
    const event = eventOfResponse({ code, data: { ...data, state } })
    expect([event.fact?.kind ?? null, event.hold]).toEqual([kind, kind === null ? 'status_unknown' : null])
  })

  it('keeps and holds what is signed and cannot be read', () => {
    const odd = { toString: 1 }
    for (const response of [
      { code: odd, data },
      { code: 'PAYMENT_SUCCESS', data: { ...data, state: odd } },
    ])
      expect(eventOfResponse(response)).toMatchObject({ fact: null, hold: 'status_unknown' })
    expect(eventOfResponse({ code: 'PAYMENT_SUCCESS' }).hold).toBe('object_unreadable')
    const text = 'not*base64'
    const received = receive({ response: text }, { 'x-verify': signPhonepeV1(text, 'salt-key', '1') })
    expect(eventIn(received)).toMatchObject({ hold: 'body_unreadable', fact: null })
  })
})
