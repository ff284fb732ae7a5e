import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { newEvent } from '../src/webhooks/event.ts'
import { activeAccount } from '../src/webhooks/gateways/active-secrets.ts'
import type { Delivery, GatewayEvent } from '../src/webhooks/gateways/adapter.ts'
import { adapters } from '../src/webhooks/gateways/registry.ts'
import { samples } from '../src/webhooks/gateways/samples/samples.ts'
import { signStripe } from '../src/webhooks/gateways/samples/stripe.ts'
import { Target, withHeaders } from './support/attacks.ts'

const NOW_SECONDS = 1_790_000_000
const INVALID = { kind: 'refused', code: 'signature_invalid' }
const hmac = (hash: string, key: string | Buffer, text: string) => createHmac(hash, key).update(text)

function keyOf(gateway: string, event: GatewayEvent, delivery: Delivery): string {
  const adapter = adapters.get(gateway) ?? expect.fail('no adapter')
  const row = newEvent(adapter, event, { gateway, account: 'a', requestId: 'r', signature: 's', delivery })
  return `${row.eventKey.toString('hex')} ${row.digest.toString('hex')}`
}

describe('any gateway', () => {
  const unsigned = [...samples].flatMap(([gateway, { unsignedHeaders = [] }]) =>
    unsignedHeaders.map((name) => [gateway, name] as const),
  )

  it.each(unsigned)('%s: a replay with another %s counts once', (gateway, name) => {
    const target = new Target(gateway)
    const genuine = target.genuine()
    const replay = withHeaders(genuine, { [name]: 'another-id' })
    const keys = [genuine, replay].flatMap((one) =>
      target.events(one).map((event) => keyOf(gateway, event, one)),
    )
    expect(new Set(keys).size).toBe(1)
  })

  const withSecrets = [...adapters.values()].filter(({ secretForm }) => secretForm !== 'none')

  it.each(withSecrets.map(({ name }) => name))(
    '%s: secrets rotate: any active one matches and is named, one that has ended matches nothing',
    (gateway) => {
      const [target, other] = [new Target(gateway), new Target(gateway)]
      const WEBHOOK_SECRETS_UNTIL = '2@2026-09-21T00:00:00Z'
      const settings = { ...target.account.settings, WEBHOOK_SECRETS_UNTIL }
      const account = { ...target.account, secrets: [other.secret, target.secret], settings }
      const endMs = Date.parse('2026-09-21T00:00:00Z')
      const before = activeAccount(account, endMs - 1)
      const result = target.receive(target.genuine(), before.account)
      expect(result).toMatchObject({ kind: 'accepted', secretIndex: 1 })
      expect(before.positionOf(1)).toBe(1)
      const after = activeAccount(account, endMs)
      expect(target.receive(target.genuine(), after.account).kind).toBe('refused')
      expect(target.receive(other.genuine(), after.account).kind).toBe('accepted')
    },
  )
})

describe('Stripe', () => {
  const target = new Target('stripe')
  const signedAt = (seconds: number) => {
    const genuine = target.genuine()
    return withHeaders(genuine, { 'stripe-signature': signStripe(genuine.body, seconds, target.secret) })
  }

  it('the key is the literal text, whsec_ and all', () => {
    const genuine = target.genuine()
    const bare = target.secret.slice('whsec_'.length)
    for (const key of [bare, Buffer.from(bare, 'base64')]) {
      const v1 = hmac('sha256', key, `${NOW_SECONDS}.${genuine.body}`).digest('hex')
      const forged = withHeaders(genuine, { 'stripe-signature': `t=${NOW_SECONDS},v1=${v1}` })
      expect(target.receive(forged)).toMatchObject(INVALID)
    }
  })

  it.each([-301, 301, 86_400, 10 ** 9])(
    'a timestamp %i seconds away is refused, in the future too',
    (seconds) => {
      expect(target.receive(signedAt(NOW_SECONDS + seconds))).toMatchObject({ code: 'signature_expired' })
    },
  )

  it('v0 alone is no signature', () => {
    const genuine = target.genuine()
    const header = genuine.headers['stripe-signature']?.replace('v1=', 'v0=')
    expect(target.receive(withHeaders(genuine, { 'stripe-signature': header })).kind).toBe('refused')
  })

  it('any v1 may match', () => {
    const genuine = target.genuine()
    const header = genuine.headers['stripe-signature']?.replace(',v1=', `,v1=${'0'.repeat(64)},v1=`)
    expect(target.receive(withHeaders(genuine, { 'stripe-signature': header })).kind).toBe('accepted')
  })
})

describe('Square', () => {
  it('the public URL is configured, and no header of a proxy or a stranger changes it', () => {
    const target = new Target('square', {}, { PUBLIC_URL: 'https://pay.example/webhooks/square' })
    const genuine = target.genuine()
    expect(target.receive(genuine).kind).toBe('accepted')
    const evil = { host: 'evil.example', 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'http' }
    expect(target.receive(withHeaders(genuine, evil)).kind).toBe('accepted')
    const PUBLIC_URL = 'http://10.0.0.7:3000/webhooks/square'
    const behind = { ...target.account, settings: { ...target.account.settings, PUBLIC_URL } }
    expect(target.receive(genuine, behind)).toMatchObject(INVALID)
  })
})

describe('HyperPay', () => {
  const target = new Target('hyperpay')

  it.each([0, 4, 8, 12, 15])('a tag cut to %i bytes is refused: a short one could be guessed', (bytes) => {
    const genuine = target.genuine()
    const tag = genuine.headers['x-authentication-tag']?.slice(0, bytes * 2)
    expect(target.receive(withHeaders(genuine, { 'x-authentication-tag': tag })).kind).toBe('refused')
  })
})

describe('Mercado Pago', () => {
  const target = new Target('mercadopago')
  const signedAt = (ts: string) => {
    const genuine = target.genuine()
    const text = `id:${genuine.query.get('data.id')};request-id:${genuine.headers['x-request-id']};ts:${ts};`
    const v1 = hmac('sha256', target.secret, text).digest('hex')
    return withHeaders(genuine, { 'x-signature': `ts=${ts},v1=${v1}` })
  }

  it.each([String(NOW_SECONDS), String(NOW_SECONDS * 1_000)])('ts may be in s and in ms: %s', (ts) => {
    expect(target.receive(signedAt(ts)).kind).toBe('accepted')
  })

  it('a multi-byte v1 of the right number of characters is refused, and nothing throws', () => {
    const genuine = signedAt(String(NOW_SECONDS))
    for (const v1 of ['é'.repeat(64), 'ÿ'.repeat(32), '0'.repeat(63), `${'0'.repeat(63)}é`]) {
      const forged = withHeaders(genuine, { 'x-signature': `ts=${NOW_SECONDS},v1=${v1}` })
      expect(target.receive(forged).kind).toBe('refused')
    }
  })

  it('the unsigned body moves nothing', () => {
    expect(target.settles(target.forged((body) => Object.assign(body, { action: 'payment.paid' })))).toEqual(
      [],
    )
  })
})

describe('GoCardless', () => {
  it('several events in one POST are several, each once', () => {
    const target = new Target('gocardless')
    const delivery = target.signedAnew((body) => {
      const [first] = body.events
      body.events.push(
        { ...first, id: 'EV2', action: 'failed' },
        { ...first, id: 'EV3', action: 'cancelled' },
      )
    })
    const ids = target.events(delivery).map(({ eventId }) => eventId)
    expect(new Set(ids).size).toBe(3)
    expect(ids).toEqual(expect.arrayContaining(['EV2', 'EV3']))
  })
})

describe('what is signed by a part alone, or by nobody', () => {
  const asked = [...adapters.values()].filter(({ confirmFirst }) => confirmFirst).map(({ name }) => name)

  it('is asked for before money moves', () => {
    expect(asked).toEqual(
      expect.arrayContaining([
        'paymob',
        'paypal',
        'midtrans',
        'mercadopago',
        'sslcommerz',
        'xendit',
        'phonepe',
      ]),
    )
  })

  it.each(asked)('%s: no kind of fact settles by the word of a delivery', (gateway) => {
    const target = new Target(gateway)
    for (const kind of samples.get(gateway)?.kinds ?? [])
      expect(target.settles(target.genuine({ kind }))).toEqual([])
  })
})
