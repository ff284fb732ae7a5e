import { describe, expect, it } from 'vitest'
import { mayMoveMoney, tierOf } from '../event.ts'
import type { GatewayAccount, GatewayEvent, Received } from './adapter.ts'
import type { JsonObject } from './kit/body.ts'
import { signHeaderHmac } from './kit/raw-hmac.ts'
import { MOLLIE_SIGNATURE, mollie } from './mollie.ts'
import { accountProblems } from './settings.ts'

const SECRET = 'test_webhook_secret'
const NOW_MS = 1_790_000_000_000
const withSecret: GatewayAccount = { gateway: 'mollie', account: 'default', secrets: [SECRET], settings: {} }
const classic: GatewayAccount = { ...withSecret, secrets: [], settings: { API_KEY: 'live_1' } }

const EUR = (value: unknown, currency: unknown = 'EUR') => ({ currency, value })
const payment: JsonObject = { id: 'tr_1', amount: EUR('10.00'), metadata: { merchant_ref: 'trip-1' } }
const part: JsonObject = { id: 're_1', paymentId: 'tr_1', amount: EUR('5.95') }

const hmacOf = (body: string | Buffer, key = SECRET) =>
  signHeaderHmac(Buffer.from(body), key, MOLLIE_SIGNATURE)

function receive(
  body: string,
  headers: Readonly<Record<string, string>> = {},
  on = withSecret,
  nowMs: number | null = NOW_MS,
): Received {
  return mollie.receive({ body: Buffer.from(body), headers, query: new URLSearchParams() }, on, nowMs)
}

function only(received: Received): GatewayEvent {
  if (received.kind !== 'accepted') throw new Error(JSON.stringify(received))
  return received.events[0] ?? expect.fail('no event')
}

function eventOf(type: unknown, entity: unknown, more: JsonObject = {}): GatewayEvent {
  const event = { resource: 'event', id: 'event_1', type, createdAt: '2026-01-01T10:00:00.0Z', ...more }
  const body = JSON.stringify(entity === undefined ? event : { ...event, _embedded: { entity } })
  return only(receive(body, { 'x-mollie-signature': hmacOf(body) }))
}

describe('which deliveries an account takes', () => {
  const FORM = 'id=tr_5B8cwPMGnU6qLbRvo7qEZo'

  it('with secrets: signed ones alone, so that taking the header off makes nothing weaker', () => {
    for (const body of [FORM, '{"id":"tr_1"}', '{"resource":"event","id":"event_1","type":"payment.paid"}'])
      expect(receive(body)).toMatchObject({ kind: 'refused', code: 'signature_missing' })
    expect(receive(FORM, { 'x-mollie-signature': '' })).toMatchObject({ code: 'signature_missing' })
    expect(receive(FORM, {}, { ...withSecret, secrets: [''] })).toMatchObject({ kind: 'refused' })
  })

  it('without secrets: the classic form, which is a hint of tier D and moves nothing', () => {
    const event = only(receive(FORM, {}, classic))
    expect(event).toEqual({
      eventId: `tr_5B8cwPMGnU6qLbRvo7qEZo@${NOW_MS / 10_000}`,
      type: 'payment',
      occurredAt: null,
      fact: null,
      signed: [],
      hold: null,
      tier: 'D',
      isHint: true,
    })
    expect([tierOf(mollie, event), mayMoveMoney(mollie, event)]).toEqual(['D', false])
  })

  it('without secrets: nothing that is signed, for it could not be verified', () => {
    const body = '{"resource":"event","id":"event_1","type":"payment.paid"}'
    const headers = { 'x-mollie-signature': hmacOf(body) }
    expect(receive(body, headers, classic)).toMatchObject({ code: 'signature_invalid' })
    expect(receive(body, {}, classic)).toMatchObject({ code: 'malformed_body' })
  })

  it('a later classic one is another event: the payment may have changed again', () => {
    const idAt = (nowMs: number | null) => only(receive(FORM, {}, classic, nowMs)).eventId
    expect(idAt(NOW_MS + 9_999)).toBe(idAt(NOW_MS))
    expect(idAt(NOW_MS + 10_000)).not.toBe(idAt(NOW_MS))
    expect(idAt(null)).toBe('tr_5B8cwPMGnU6qLbRvo7qEZo@0')
  })

  it.each([
    '',
    'id=',
    'id=ord_1',
    'id=tr_',
    'id=tr_1/../2',
    'id=tr_1&id=tr_2',
    'x=tr_1',
    `id=tr_${'a'.repeat(65)}`,
  ])('without secrets: not %j', (body) => {
    expect(receive(body, {}, classic)).toMatchObject({ kind: 'refused', code: 'malformed_body' })
  })

  it('has to be able to ask where it has no secrets', () => {
    expect(accountProblems(mollie, { ...classic, settings: {} }, false)).toEqual([
      expect.stringMatching(/^API_KEY is missing/),
    ])
    for (const account of [classic, withSecret]) expect(accountProblems(mollie, account, true)).toEqual([])
  })
})

describe('the signature', () => {
  const body = JSON.stringify({
    resource: 'event',
    id: 'event_1',
    type: 'payment.paid',
    _embedded: { entity: payment },
  })
  const right = hmacOf(body)

  it('may have its prefix or not', () => {
    expect(right).toMatch(/^sha256=[0-9a-f]{64}$/)
    for (const value of [right, right.slice('sha256='.length)])
      expect(receive(body, { 'x-mollie-signature': value }).kind).toBe('accepted')
    for (const value of [
      `sha1=${right.slice(7)}`,
      `sha256=${right}`,
      `${right}00`,
      'sha256=',
      'é'.repeat(64),
    ])
      expect(receive(body, { 'x-mollie-signature': value })).toMatchObject({ code: 'signature_invalid' })
  })

  it('may come twice while a secret is rolled, and three times at most', () => {
    const other = hmacOf(body, 'another_secret')
    for (const value of [`${other}, ${right}`, `${right}, ${other}`])
      expect(receive(body, { 'x-mollie-signature': value }).kind).toBe('accepted')
    const many = `${other}, ${other}, ${other}, ${right}`
    expect(receive(body, { 'x-mollie-signature': many })).toMatchObject({ code: 'signature_invalid' })
    expect(receive(body, { 'x-mollie-signature': `${other}, ${other}` })).toMatchObject({
      code: 'signature_invalid',
    })
  })
})

describe('events', () => {
  it.each([
    ['payment.pending', 'pending'],
    ['payment.authorized', 'authorized'],
    ['payment.paid', 'captured'],
    ['payment.failed', 'failed'],
    ['payment.canceled', 'cancelled'],
    ['payment.expired', 'expired'],
  ])('%s is %s', (type, kind) => {
    expect(eventOf(type, payment)).toMatchObject({
      eventId: 'event_1',
      type,
      occurredAt: new Date('2026-01-01T10:00:00Z'),
      fact: {
        kind,
        merchantRef: 'trip-1',
        gatewayRef: 'tr_1',
        operationRef: 'tr_1',
        amountMinor: 1_000n,
        currency: 'EUR',
      },
    })
  })

  it.each([
    ['refund.refunded', 'refunded'],
    ['refund.failed', 'refund_failed'],
    ['chargeback.received', 'disputed'],
    ['chargeback.reversed', 'dispute_won'],
  ])('%s is %s', (type, kind) => {
    expect(eventOf(type, part).fact).toMatchObject({
      kind,
      gatewayRef: 'tr_1',
      operationRef: 're_1',
      amountMinor: 595n,
    })
  })

  it.each(['refund.queued', 'refund.canceled', 'capture.succeeded', 'payment-link.paid', 'profile.blocked'])(
    '%s says nothing new',
    (type) => {
      expect(eventOf(type, part)).toMatchObject({ fact: null, hold: null })
    },
  )

  it('count what was captured, where it is only a part', () => {
    expect(eventOf('payment.paid', { ...payment, amountCaptured: EUR('4.00') }).fact?.amountMinor).toBe(400n)
  })

  it('that only name a payment are hints, and those that only name a refund are held', () => {
    expect(eventOf('payment.paid', undefined, { entityId: 'tr_1' })).toMatchObject({
      fact: null,
      isHint: true,
    })
    expect(eventOf('payment.paid', undefined, { entityId: 're_1' }).hold).toBe('object_unreadable')
    expect(eventOf('refund.refunded', undefined, { entityId: 're_1' }).hold).toBe('object_unreadable')
  })

  it('may be the object itself', () => {
    const body = JSON.stringify({ ...payment, resource: 'payment', status: 'paid' })
    expect(only(receive(body, { 'x-mollie-signature': hmacOf(body) }))).toMatchObject({
      eventId: 'payment.paid:tr_1',
      type: 'payment.paid',
      fact: { kind: 'captured', amountMinor: 1_000n },
    })
  })

  it.each<[string, unknown, string]>([
    ['a number', EUR(10), 'amount_unreadable'],
    ['a fraction of a cent', EUR('10.001'), 'amount_unreadable'],
    ['no currency', EUR('10.00', 'eur'), 'currency_unknown'],
    ['no amount', null, 'currency_unknown'],
  ])('of %s are held', (_, amount, hold) => {
    expect(eventOf('payment.paid', { ...payment, amount }).hold).toBe(hold)
  })

  it('of a state that nobody knows are held', () => {
    expect(eventOf('payment.halved', payment).hold).toBe('status_unknown')
  })
})
