import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { mayMoveMoney } from '../event.ts'
import type { GatewayAccount, GatewayEvent, Received } from './adapter.ts'
import type { JsonObject } from './kit/body.ts'
import { mercadopago, signMercadopago } from './mercadopago.ts'

const SECRET = 'your_secret_key_here'
const NOW_MS = 1_790_000_000_000
const TS = String(NOW_MS)
const account: GatewayAccount = {
  gateway: 'mercadopago',
  account: 'default',
  secrets: [SECRET],
  settings: {},
}

interface Sent {
  readonly id?: string
  readonly query?: string
  readonly requestId?: string | undefined
  readonly ts?: string
  readonly signature?: string
  readonly body?: unknown
  readonly nowMs?: number | null
}

const said: JsonObject = {
  action: 'payment.updated',
  data: { id: '123' },
  id: 112_233_445_566,
  type: 'payment',
}

function receive(sent: Sent = {}): Received {
  const { id = '123', ts = TS, body = said, nowMs = NOW_MS } = sent
  const requestId = 'requestId' in sent ? sent.requestId : 'r-1'
  const signature = sent.signature ?? signMercadopago(id, requestId, ts, SECRET)
  const query = new URLSearchParams(sent.query ?? `data.id=${encodeURIComponent(id)}&type=payment`)
  const headers = { 'x-signature': signature, 'x-request-id': requestId }
  return mercadopago.receive({ body: Buffer.from(JSON.stringify(body)), headers, query }, account, nowMs)
}

function eventOf(sent: Sent = {}): GatewayEvent {
  const received = receive(sent)
  if (received.kind !== 'accepted') throw new Error(JSON.stringify(received))
  return received.events[0] ?? expect.fail('no event')
}

const refusedAs = (code: string) => ({ kind: 'refused', code })
const invalid = refusedAs('signature_invalid')

describe('what is signed', () => {
  it('is data.id of the query in lower case, x-request-id and ts', () => {
    const text = `id:ord01abc;request-id:r-1;ts:${TS};`
    const v1 = createHmac('sha256', SECRET).update(text).digest('hex')
    for (const id of ['ORD01AbC', 'ord01abc'])
      expect(receive({ id, signature: `ts=${TS},v1=${v1}` }).kind).toBe('accepted')
    const signature = signMercadopago('123', 'r-1', TS, SECRET)
    expect(receive({ signature, id: '124' })).toMatchObject(invalid)
    expect(receive({ signature, requestId: 'r-2' })).toMatchObject(invalid)
    expect(receive({ signature: signature.replace(TS, String(NOW_MS + 1)) })).toMatchObject(invalid)
  })

  it('has no part for an x-request-id that is not there', () => {
    expect(receive({ requestId: undefined }).kind).toBe('accepted')
    const without = signMercadopago('123', undefined, TS, SECRET)
    expect(receive({ signature: without })).toMatchObject(invalid)
    const withOne = signMercadopago('123', 'r-1', TS, SECRET)
    expect(receive({ signature: withOne, requestId: undefined })).toMatchObject(invalid)
  })

  it('cannot be read in two ways: no field spells the one after it', () => {
    const signature = signMercadopago('123', 'r-1', TS, SECRET)
    expect(receive({ signature, id: '123;request-id:r-1', requestId: undefined })).toMatchObject(invalid)
    const twoInOne = signMercadopago('123', undefined, TS, SECRET)
    expect(receive({ signature: twoInOne, id: `123;ts:${TS}` })).toMatchObject(invalid)
    for (const requestId of ['a;b', '', ' ', 'é', 'r-1, r-1'])
      expect(receive({ requestId })).toMatchObject(invalid)
  })

  it('has one id in the query, and the body gives none', () => {
    const signature = signMercadopago('123', 'r-1', TS, SECRET)
    for (const query of [
      '',
      'id=123',
      'data.id=',
      'data.id=123&data.id=123',
      'data.id=1%2F2',
      'data.id=12 3',
    ])
      expect(receive({ signature, query })).toMatchObject(invalid)
  })

  it('may have ts in seconds or in milliseconds', () => {
    const seconds = TS.slice(0, -3)
    expect(eventOf({ ts: seconds }).eventId).toBe(eventOf().eventId)
    for (const ts of ['', '1', '12345678901', '99999999999999', '1e12', '-790000000', 'NaN'])
      expect(receive({ ts, nowMs: null })).toMatchObject(invalid)
  })

  it('is taken for a day, either way', () => {
    for (const days of [-1, 1]) {
      expect(receive({ nowMs: NOW_MS + days * 86_400_000 }).kind).toBe('accepted')
      expect(receive({ nowMs: NOW_MS + days * 86_401_000 })).toMatchObject(refusedAs('signature_expired'))
    }
  })

  it.each([
    `ts=${TS},v1=${'é'.repeat(64)}`,
    `ts=${TS},v1=é${'a'.repeat(63)}`,
    `ts=${TS},v1=${'a'.repeat(63)}`,
    `ts=${TS}`,
    `v1=${'0'.repeat(64)}`,
    `ts=${TS},v1=`,
    `ts=${TS},ts=${TS},v1=${'0'.repeat(64)}`,
    'ts,v1',
    '=,=',
  ])('is refused, and nothing throws, where the header is %j', (signature) => {
    expect(receive({ signature })).toMatchObject(invalid)
  })
})

describe('the body is unsigned', () => {
  it('so that another data.id in it does not matter', () => {
    const victim = eventOf({ body: { ...said, data: { id: '999' } } })
    expect(victim.eventId).toBe(eventOf().eventId)
    expect(victim).toMatchObject({ fact: null, isHint: true, hold: null })
    expect(JSON.stringify(victim)).not.toContain('999')
  })

  it('so that nothing of it moves money', () => {
    const claims = { ...said, status: 'approved', transaction_amount: 1_000_000, currency_id: 'BRL' }
    const event = eventOf({ body: claims })
    expect([event.fact, event.signed, mayMoveMoney(mercadopago, event)]).toEqual([null, [], false])
  })

  it('so that it need not even be JSON', () => {
    expect(eventOf({ body: 'text' })).toMatchObject({ type: 'payment', isHint: true })
    expect(eventOf({ body: 'text' }).eventId).toBe(eventOf().eventId)
  })

  it('and its id is for people', () => {
    expect(eventOf().gatewayEventId).toBe('112233445566')
    expect(eventOf({ body: { ...said, id: 2 } }).eventId).toBe(eventOf().eventId)
  })
})

describe('the event', () => {
  it('is one for ten seconds of the signed ts, whenever it comes', () => {
    const { eventId } = eventOf()
    expect(eventId).toBe(`payment:123@${NOW_MS / 10_000}`)
    expect(eventOf({ nowMs: NOW_MS + 3_600_000 }).eventId).toBe(eventId)
    expect(eventOf({ ts: String(NOW_MS + 9_999) }).eventId).toBe(eventId)
    expect(eventOf({ ts: String(NOW_MS + 10_000) }).eventId).not.toBe(eventId)
  })

  it('of another type is nothing about a payment, and does not take the place of one that is', () => {
    const other = eventOf({ query: 'data.id=123&type=topic_merchant_order_wh' })
    expect(other).toMatchObject({ type: 'topic_merchant_order_wh', fact: null, hold: null })
    expect(other.isHint).toBeUndefined()
    expect(other.eventId).not.toBe(eventOf().eventId)
  })

  it('has its type from the query, else from the body', () => {
    expect(eventOf({ query: 'data.id=123' }).isHint).toBe(true)
    expect(eventOf({ query: 'data.id=123&topic=payment', body: {} }).isHint).toBe(true)
    expect(eventOf({ query: 'data.id=123&type=order' }).isHint).toBeUndefined()
    for (const type of ['', 'Payment', 'a b', 'x'.repeat(51), 1])
      expect(eventOf({ query: 'data.id=123', body: { type } }).type).toBe('unknown')
  })
})
