import { describe, expect, it } from 'vitest'
import type { GatewayAccount, GatewayEvent, Received } from './adapter.ts'
import type { JsonObject } from './kit/body.ts'
import { signHeaderHmac } from './kit/raw-hmac.ts'
import { accountProblems } from './settings.ts'
import { square, squareSignature } from './square.ts'

const SECRET = 'signature-key'
const PUBLIC_URL = 'https://pay.example.com/webhooks/square'
const account: GatewayAccount = {
  gateway: 'square',
  account: 'default',
  secrets: [SECRET],
  settings: { PUBLIC_URL },
}
const money = { amount: 1_250, currency: 'USD' }
const payment: JsonObject = {
  id: 'pay-1',
  status: 'COMPLETED',
  reference_id: 'trip-1',
  amount_money: money,
  total_money: money,
}
const refund: JsonObject = { id: 'ref-1', payment_id: 'pay-1', status: 'COMPLETED', amount_money: money }
const dispute: JsonObject = {
  id: 'dis-1',
  state: 'EVIDENCE_REQUIRED',
  amount_money: money,
  disputed_payment: { payment_id: 'pay-1' },
}

function receive(
  text: string,
  { signedUrl = PUBLIC_URL, on = account, headers = {}, key = SECRET }: Partial<Receiving> = {},
): Received {
  const body = Buffer.from(text)
  const signature = signHeaderHmac(body, key, squareSignature(signedUrl))
  const all = { ...headers, 'x-square-hmacsha256-signature': signature }
  return square.receive({ body, headers: all, query: new URLSearchParams() }, on, null)
}

interface Receiving {
  readonly signedUrl: string
  readonly on: GatewayAccount
  readonly headers: Readonly<Record<string, string>>
  readonly key: string
}

function textOf(type: string, object: unknown): string {
  const created_at = '2022-07-13T20:30:59.037339943Z'
  return JSON.stringify({ merchant_id: 'M', type, event_id: 'ev-1', created_at, data: { object } })
}

function eventOf(type: string, object: unknown): GatewayEvent {
  const received = receive(textOf(type, object))
  if (received.kind !== 'accepted') throw new Error(JSON.stringify(received))
  return received.events[0] ?? expect.fail('no event')
}

describe('the public URL', () => {
  const text = textOf('payment.updated', { payment })

  it.each([
    'https://pay.example.com/webhooks/square/',
    'http://pay.example.com/webhooks/square',
    'https://pay.example.com:443/webhooks/square',
    'https://PAY.example.com/webhooks/square',
    'http://127.0.0.1:3000/webhooks/square',
    '',
  ])('is signed character for character: not %j', (signedUrl) => {
    expect(receive(text, { signedUrl })).toMatchObject({ kind: 'refused', code: 'signature_invalid' })
  })

  it('behind a proxy is the configured one, whatever host the request names', () => {
    const headers = {
      host: '10.0.0.7:3000',
      'x-forwarded-host': 'evil.example.com',
      'x-forwarded-proto': 'http',
    }
    expect(receive(text, { headers }).kind).toBe('accepted')
    const signedUrl = 'http://evil.example.com/webhooks/square'
    expect(receive(text, { headers, signedUrl }).kind).toBe('refused')
  })

  it('is needed: without it nothing verifies, and production does not start', () => {
    for (const PUBLIC_URL of [undefined, '', ' ']) {
      const on = { ...account, settings: { PUBLIC_URL } }
      expect(receive(text, { on, signedUrl: '' })).toMatchObject({ code: 'signature_invalid' })
      expect(accountProblems(square, on, true)).toEqual(['PUBLIC_URL is missing; production needs it'])
    }
    const odd = { ...account, settings: { PUBLIC_URL: 'pay.example.com' } }
    expect(accountProblems(square, odd, false)).toEqual([
      'PUBLIC_URL must be the http or https address of the subscription',
    ])
  })
})

describe('what is signed', () => {
  it('may hold angle brackets, which are bytes like others', () => {
    const text = textOf('payment.updated', { payment: { ...payment, note: '<b>&"\u003c' } })
    expect(receive(text)).toMatchObject({ events: [{ fact: { kind: 'captured' } }] })
    const escaped = text.replaceAll('<', '\\u003c')
    const signature = signHeaderHmac(Buffer.from(text), SECRET, squareSignature(PUBLIC_URL))
    const headers = { 'x-square-hmacsha256-signature': signature }
    const delivery = { body: Buffer.from(escaped), headers, query: new URLSearchParams() }
    expect(square.receive(delivery, account, null).kind).toBe('refused')
  })

  it('may match any of several secrets', () => {
    const text = textOf('payment.updated', { payment })
    const on = { ...account, secrets: ['new-key', SECRET] }
    expect(receive(text, { on })).toMatchObject({ kind: 'accepted', secretIndex: 1 })
    expect(receive(text, { on, key: 'new-key' })).toMatchObject({ kind: 'accepted', secretIndex: 0 })
    expect(receive(text, { on, key: 'third-key' }).kind).toBe('refused')
  })
})

describe('payments', () => {
  it.each([
    ['PENDING', 'pending'],
    ['APPROVED', 'authorized'],
    ['COMPLETED', 'captured'],
    ['CANCELED', 'cancelled'],
    ['FAILED', 'failed'],
  ])('%s is %s', (status, kind) => {
    for (const type of ['payment.created', 'payment.updated'])
      expect(eventOf(type, { payment: { ...payment, status } })).toMatchObject({
        eventId: 'ev-1',
        type,
        hold: null,
        occurredAt: new Date('2022-07-13T20:30:59.037Z'),
        fact: {
          kind,
          merchantRef: 'trip-1',
          gatewayRef: 'pay-1',
          operationRef: 'pay-1',
          amountMinor: 1_250n,
          currency: 'USD',
        },
      })
  })

  it('of a status that nobody knows are held', () => {
    for (const status of ['HALF', undefined, null, 1])
      expect(eventOf('payment.updated', { payment: { ...payment, status } }).hold).toBe('status_unknown')
  })

  it('count the tip, which the card pays too', () => {
    const total_money = { amount: 1_500, currency: 'USD' }
    expect(eventOf('payment.updated', { payment: { ...payment, total_money } }).fact?.amountMinor).toBe(
      1_500n,
    )
    const { total_money: _, ...without } = payment
    expect(eventOf('payment.updated', { payment: without }).fact?.amountMinor).toBe(1_250n)
  })

  it('are found by their own id where they bear no reference of ours', () => {
    for (const reference_id of [undefined, ''])
      expect(eventOf('payment.updated', { payment: { ...payment, reference_id } }).fact).toMatchObject({
        merchantRef: null,
        gatewayRef: 'pay-1',
      })
  })

  it.each([
    ['JPY', 500, 500n],
    ['KWD', 1_500, 1_500n],
  ])('are in the smallest unit: %s %s', (currency, amount, amountMinor) => {
    const change = { total_money: { amount, currency } }
    expect(eventOf('payment.updated', { payment: { ...payment, ...change } }).fact).toMatchObject({
      amountMinor,
    })
  })

  it.each([12.5, '1250', 0, -1, null])('of %j are held', (amount) => {
    const change = { total_money: { amount, currency: 'USD' } }
    expect(eventOf('payment.updated', { payment: { ...payment, ...change } }).hold).toBe('amount_unreadable')
  })

  it.each([null, {}, { payment: null }, { refund }])('that are not there (%j) are held', (object) => {
    expect(eventOf('payment.updated', object).hold).toBe('object_unreadable')
  })
})

describe('refunds', () => {
  it.each([
    ['COMPLETED', 'refunded'],
    ['FAILED', 'refund_failed'],
    ['REJECTED', 'refund_failed'],
  ])('%s is %s', (status, kind) => {
    expect(eventOf('refund.updated', { refund: { ...refund, status } }).fact).toEqual({
      kind,
      merchantRef: null,
      gatewayRef: 'pay-1',
      operationRef: 'ref-1',
      amountMinor: 1_250n,
      currency: 'USD',
    })
  })

  it.each(['PENDING', 'SOMETHING'])('%s has moved nothing', (status) => {
    expect(eventOf('refund.created', { refund: { ...refund, status } })).toMatchObject({
      fact: null,
      hold: null,
    })
  })
})

describe('disputes', () => {
  it.each([
    ['EVIDENCE_REQUIRED', 'disputed'],
    ['PROCESSING', 'disputed'],
    ['WON', 'dispute_won'],
    ['LOST', 'dispute_lost'],
    ['ACCEPTED', 'dispute_lost'],
  ])('%s is %s', (state, kind) => {
    for (const type of ['dispute.created', 'dispute.state.updated', 'dispute.state.changed'])
      expect(eventOf(type, { dispute: { ...dispute, state } }).fact).toMatchObject({
        kind,
        gatewayRef: 'pay-1',
        operationRef: 'dis-1',
        amountMinor: 1_250n,
      })
  })

  it.each(['INQUIRY_EVIDENCE_REQUIRED', 'INQUIRY_PROCESSING', 'INQUIRY_CLOSED', 'WAITING_THIRD_PARTY'])(
    '%s withdraws nothing',
    (state) => {
      expect(eventOf('dispute.created', { dispute: { ...dispute, state } })).toMatchObject({
        fact: null,
        hold: null,
      })
    },
  )

  it('of older versions of the API have their id in another field', () => {
    const { id, ...old } = dispute
    expect(eventOf('dispute.created', { dispute: { ...old, dispute_id: id } }).fact?.operationRef).toBe(
      'dis-1',
    )
  })
})

it.each(['dispute.evidence.created', 'order.updated', 'webhooks.test_notification'])(
  '%s is nothing about a payment',
  (type) => {
    expect(eventOf(type, { payment })).toMatchObject({ fact: null, hold: null })
  },
)
