import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { mayMoveMoney, tierOf } from '../event.ts'
import type { GatewayAccount, GatewayEvent, Received } from './adapter.ts'
import { FLUTTERWAVE_SIGNATURE, flutterwave } from './flutterwave.ts'
import type { JsonObject } from './kit/body.ts'
import { signHeaderHmac } from './kit/raw-hmac.ts'
import { accountProblems } from './settings.ts'

const SECRET = 'flw-secret-hash'
const unsaid: GatewayAccount = { gateway: 'flutterwave', account: 'default', secrets: [SECRET], settings: {} }
const ofV3 = { ...unsaid, settings: { API_VERSION: 'v3' } }
const ofV4 = { ...unsaid, settings: { API_VERSION: 'v4' } }

const charge: JsonObject = {
  id: 'chg_1',
  amount: 200,
  currency: 'NGN',
  status: 'succeeded',
  reference: 'trip-1',
}
const transaction: JsonObject = {
  id: 285_959_875,
  tx_ref: 'trip-1',
  amount: 100,
  currency: 'NGN',
  status: 'successful',
}

const v4Body = (data: unknown = charge, type: unknown = 'charge.completed', more: JsonObject = {}) =>
  Buffer.from(JSON.stringify({ webhook_id: 'wbk_1', timestamp: 1_735_689_600_000, type, data, ...more }))
const v3Body = (data: unknown = transaction, event: unknown = 'charge.completed') =>
  Buffer.from(JSON.stringify({ event, data }))
const v4Header = (body: Buffer, key = SECRET) => ({
  'flutterwave-signature': signHeaderHmac(body, key, FLUTTERWAVE_SIGNATURE),
})
const V3_HEADER = { 'verif-hash': SECRET }

function receive(body: Buffer, headers: Readonly<Record<string, string>>, on = unsaid): Received {
  return flutterwave.receive({ body, headers, query: new URLSearchParams() }, on, null)
}

function eventOf(received: Received): GatewayEvent {
  if (received.kind !== 'accepted') throw new Error(JSON.stringify(received))
  return received.events[0] ?? expect.fail('no event')
}

const eventOfV4 = (data: unknown, type?: unknown, more?: JsonObject) => {
  const body = v4Body(data, type, more)
  return eventOf(receive(body, v4Header(body), ofV4))
}
const eventOfV3 = (data: unknown, event?: unknown) => eventOf(receive(v3Body(data, event), V3_HEADER, ofV3))

describe('which version an account takes', () => {
  const body = v4Body()

  it('v4 moves money at once, for an account that says so', () => {
    const event = eventOf(receive(body, v4Header(body), ofV4))
    expect([tierOf(flutterwave, event), mayMoveMoney(flutterwave, event)]).toEqual(['A', true])
  })

  it('v3 never moves money without asking', () => {
    for (const on of [ofV3, unsaid]) {
      const event = eventOf(receive(v3Body(), V3_HEADER, on))
      expect([tierOf(flutterwave, event), mayMoveMoney(flutterwave, event)]).toEqual(['C', false])
    }
  })

  it('a v3 header does not downgrade an account of v4', () => {
    expect(receive(v3Body(), V3_HEADER, ofV4)).toMatchObject({ kind: 'refused', code: 'signature_missing' })
    expect(receive(body, V3_HEADER, ofV4)).toMatchObject({ kind: 'refused', code: 'signature_missing' })
  })

  it('a wrong v4 signature is not saved by a right v3 header', () => {
    for (const signature of ['', 'AAAA', signHeaderHmac(body, 'other', FLUTTERWAVE_SIGNATURE)])
      for (const on of [unsaid, ofV4])
        expect(receive(body, { ...V3_HEADER, 'flutterwave-signature': signature }, on)).toMatchObject({
          kind: 'refused',
          code: expect.stringMatching(/^signature_/),
        })
  })

  it('who has seen a v3 header can sign as v4 does, and moves nothing by it', () => {
    const forged = v4Body({ ...charge, amount: 1_000_000 })
    const headers = v4Header(forged, V3_HEADER['verif-hash'])
    expect(receive(forged, headers, ofV3)).toMatchObject({ kind: 'refused', code: 'signature_missing' })
    expect(mayMoveMoney(flutterwave, eventOf(receive(forged, headers, unsaid)))).toBe(false)
  })

  it('production has to say which', () => {
    expect(accountProblems(flutterwave, unsaid, true)).toEqual([
      'API_VERSION is missing; production needs it',
    ])
    const odd = { ...unsaid, settings: { API_VERSION: '4' } }
    expect(accountProblems(flutterwave, odd, false)).toEqual(['API_VERSION must be v3 or v4'])
    expect(receive(body, {}, unsaid)).toMatchObject({ code: 'signature_missing' })
  })
})

describe('the token of v3', () => {
  it('may be any of several, and is not kept', () => {
    const on = { ...ofV3, secrets: ['new', SECRET] }
    const received = receive(v3Body(), V3_HEADER, on)
    expect(received).toMatchObject({ kind: 'accepted', secretIndex: 1 })
    expect(inspect(received, { depth: null })).not.toContain(SECRET)
  })

  it('is compared as bytes', () => {
    const secret = 'gehéim'
    const on = { ...ofV3, secrets: [secret] }
    const asNodeReadsIt = Buffer.from(secret).toString('latin1')
    expect(receive(v3Body(), { 'verif-hash': asNodeReadsIt }, on).kind).toBe('accepted')
    expect(receive(v3Body(), { 'verif-hash': secret }, on).kind).toBe('refused')
  })

  it.each(['', ' ', SECRET.slice(1), `${SECRET} `, `${SECRET}, ${SECRET}`, SECRET.toUpperCase()])(
    'refuses %j',
    (token) => {
      expect(receive(v3Body(), { 'verif-hash': token }, ofV3)).toMatchObject({
        kind: 'refused',
        code: expect.stringMatching(/^signature_/),
      })
    },
  )
})

describe('charges of v4', () => {
  it.each([
    ['pending', 'pending'],
    ['authorized', 'authorized'],
    ['succeeded', 'captured'],
    ['failed', 'failed'],
    ['voided', 'cancelled'],
  ])('%s is %s', (status, kind) => {
    expect(eventOfV4({ ...charge, status })).toMatchObject({
      eventId: 'wbk_1',
      type: 'charge.completed',
      occurredAt: new Date(1_735_689_600_000),
      fact: {
        kind,
        merchantRef: 'trip-1',
        gatewayRef: 'chg_1',
        operationRef: 'chg_1',
        amountMinor: 20_000n,
        currency: 'NGN',
      },
    })
  })

  it('of another status are held', () => {
    for (const status of ['successful', undefined, 1])
      expect(eventOfV4({ ...charge, status }).hold).toBe('status_unknown')
  })

  it('may have their id under its earlier name', () => {
    expect(eventOfV4(charge, 'charge.completed', { webhook_id: undefined, id: 'wbk_2' }).eventId).toBe(
      'wbk_2',
    )
    expect(eventOfV4(charge, 'charge.completed', { webhook_id: undefined }).hold).toBe('body_unreadable')
  })

  it('are in major units, without a float on the way', () => {
    const amountOf = (amount: unknown, currency = 'NGN') => eventOfV4({ ...charge, amount, currency })
    expect(amountOf(0.29).fact?.amountMinor).toBe(29n)
    expect(amountOf(4.35).fact?.amountMinor).toBe(435n)
    expect(amountOf(1_999.99).fact?.amountMinor).toBe(199_999n)
    expect(amountOf(1_500, 'UGX').fact?.amountMinor).toBe(1_500n)
    expect(amountOf('12.50').fact?.amountMinor).toBe(1_250n)
    for (const odd of [1.005, 0, -1, null, 'x']) expect(amountOf(odd).hold).toBe('amount_unreadable')
    expect(amountOf(1.5, 'UGX').hold).toBe('amount_unreadable')
  })
})

describe('refunds of v4', () => {
  const refund = {
    id: 'rfd_1',
    charge_id: 'chg_1',
    amount_refunded: 50.5,
    currency: 'NGN',
    status: 'succeeded',
  }

  it.each([
    ['succeeded', 'refunded'],
    ['completed', 'refunded'],
    ['failed', 'refund_failed'],
  ])('%s is %s', (status, kind) => {
    expect(eventOfV4({ ...refund, status }, 'refund.completed').fact).toMatchObject({
      kind,
      gatewayRef: 'chg_1',
      operationRef: 'rfd_1',
      amountMinor: 5_050n,
    })
  })

  it('have moved nothing while they wait, and are held where they name no currency', () => {
    expect(eventOfV4({ ...refund, status: 'pending' }, 'refund.completed')).toMatchObject({
      fact: null,
      hold: null,
    })
    expect(eventOfV4({ ...refund, currency: undefined }, 'refund.completed').hold).toBe('currency_unknown')
  })
})

describe('transactions of v3', () => {
  it.each([
    ['pending', 'pending'],
    ['successful', 'captured'],
    ['failed', 'failed'],
  ])('%s is %s, each its own event', (status, kind) => {
    expect(eventOfV3({ ...transaction, status })).toMatchObject({
      eventId: `charge.completed:285959875:${status}`,
      fact: { kind, merchantRef: 'trip-1', gatewayRef: '285959875', amountMinor: 10_000n },
      signed: [],
    })
  })

  it('of another status are held', () => {
    expect(eventOfV3({ ...transaction, status: 'succeeded' }).hold).toBe('status_unknown')
  })
})

it('holds what may be about money and is documented nowhere, and keeps the rest', () => {
  expect(eventOfV4({ id: 'cbk_1' }, 'chargeback.created').hold).toBe('event_unknown')
  expect(eventOfV3({ id: 1 }, 'refund.completed').hold).toBe('event_unknown')
  expect(eventOfV4({ id: 'cus_1' }, 'customer.created')).toMatchObject({ fact: null, hold: null })
  expect(eventOfV3({ id: 1 }, 'subscription.cancelled')).toMatchObject({ fact: null, hold: null })
})
