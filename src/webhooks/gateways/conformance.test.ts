import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  anyBody,
  anyDelivery,
  received as asReceived,
  resigned,
  runs,
} from '../../../test/support/gateway-deliveries.ts'
import { DECISIVE_FIELDS, type Delivery, type GatewayAccount, type GatewayAdapter } from './adapter.ts'
import { adapters } from './registry.ts'
import { buildDelivery, newSecret, SAMPLE_GATEWAYS, type SampleDelivery } from './samples.ts'

interface Vector {
  readonly name: string
  readonly query?: Record<string, string>
  readonly headers: Record<string, string>
  readonly body: string
  readonly secrets: readonly string[]
  readonly now?: number
  readonly toleranceSeconds?: number
  readonly valid: boolean
  readonly mustNotMoveMoney?: boolean
  readonly mayMoveMoney?: boolean
  readonly eventId?: string
  readonly amountMinor?: number | string
  readonly currency?: string
}

const SIGNATURE_CODES = ['signature_missing', 'signature_invalid', 'signature_expired']
const NOW_MS = 1_790_000_000_000

function vectorsOf(gateway: string): readonly Vector[] {
  const url = new URL(`../../../test/vectors/${gateway}.json`, import.meta.url)
  return JSON.parse(readFileSync(url, 'utf8')) as readonly Vector[]
}

function accountOf(gateway: string, secrets: readonly string[]): GatewayAccount {
  return { gateway, account: 'default', secrets, settings: {} }
}

function deliveryOf(vector: Vector): Delivery {
  const headers = Object.fromEntries(
    Object.entries(vector.headers).map(([name, value]) => [name.toLowerCase(), value]),
  )
  return { body: Buffer.from(vector.body), headers, query: new URLSearchParams(vector.query) }
}

/** Whether the core could settle from this delivery without asking anybody. */
function mayMoveMoney(adapter: GatewayAdapter, received: ReturnType<GatewayAdapter['receive']>): boolean {
  if (received.kind === 'refused' || adapter.confirmFirst) return false
  return received.events.some(
    ({ fact, hold, signed }) =>
      fact !== null &&
      ['authorized', 'captured', 'refunded', 'disputed'].includes(fact.kind) &&
      hold === null &&
      DECISIVE_FIELDS.every((field) => signed.includes(field)),
  )
}

describe.each([...adapters.values()])('$name: the vectors', (adapter) => {
  it.each(vectorsOf(adapter.name))('$name', (vector) => {
    // Every vector that names a tolerance names the one that is built in.
    expect(vector.toleranceSeconds ?? 300).toBe(300)
    const account = accountOf(adapter.name, ['another-secret', ...vector.secrets])
    const nowMs = vector.now === undefined ? NOW_MS : vector.now * 1000
    const received = adapter.receive(deliveryOf(vector), account, nowMs)

    if (!vector.valid) {
      expect(received.kind === 'refused' && SIGNATURE_CODES.includes(received.code)).toBe(true)
      return
    }
    if (received.kind === 'refused') throw new Error(`refused: ${received.code} ${received.detail}`)
    expect(received.secretIndex).toBe(1)
    const [event] = received.events
    expect(received.events).toHaveLength(1)
    expect(event?.eventId).not.toBe('')
    if (vector.eventId !== undefined) expect(event?.eventId).toBe(vector.eventId)
    if (vector.amountMinor !== undefined) expect(event?.fact?.amountMinor).toBe(BigInt(vector.amountMinor))
    if (vector.currency !== undefined) expect(event?.fact?.currency).toBe(vector.currency)
    if (vector.mustNotMoveMoney) expect(mayMoveMoney(adapter, received)).toBe(false)
    if (vector.mayMoveMoney) expect(mayMoveMoney(adapter, received)).toBe(true)
  })
})

describe.each(SAMPLE_GATEWAYS)('%s: the contract of receive', (gateway) => {
  const adapter = adapters.get(gateway) ?? expect.fail('no adapter')
  const secret = newSecret(gateway)
  const account = accountOf(gateway, [newSecret(gateway), secret])
  const sample = buildDelivery(gateway, {
    kind: 'captured',
    merchantRef: 'trip-1',
    gatewayRef: 'order-1',
    operationRef: 'op-1',
    amountMinor: 12345n,
    currency: 'EGP',
    nowMs: NOW_MS,
    secret,
    bodyBytes: 1_500,
  })
  const genuine = asReceived(sample)

  it('reads the fact of a genuine delivery and says which secret matched', () => {
    const received = adapter.receive(genuine, account, NOW_MS)
    expect(received).toMatchObject({ kind: 'accepted', secretIndex: 1 })
    const fact = received.kind === 'accepted' ? received.events[0]?.fact : null
    expect(fact).toMatchObject({
      kind: 'captured',
      operationRef: 'op-1',
      amountMinor: 12345n,
      currency: 'EGP',
    })
    expect(sample.body.length).toBe(1_500)
    expect(mayMoveMoney(adapter, received)).toBe(!adapter.confirmFirst)
  })

  it.each([[[]], [['']], [['  ']], [['another-secret']]])(
    'accepts nothing with the secrets %j',
    (secrets) => {
      const received = adapter.receive(genuine, accountOf(gateway, secrets), NOW_MS)
      expect(received).toMatchObject({ kind: 'refused', code: 'signature_invalid' })
    },
  )

  it('does not take a blank secret for a key', () => {
    if (gateway === 'standard-webhooks') return expect(() => signedWith('whsec_')).toThrow(RangeError)
    const received = adapter.receive(asReceived(signedWith('')), accountOf(gateway, ['']), NOW_MS)
    expect(received).toMatchObject({ kind: 'refused', code: 'signature_invalid' })
  })

  function signedWith(key: string): SampleDelivery {
    return buildDelivery(gateway, {
      kind: 'captured',
      merchantRef: 'trip-1',
      operationRef: 'op-1',
      amountMinor: 1n,
      currency: 'EGP',
      nowMs: NOW_MS,
      secret: key,
    })
  }

  it('names no secret and no value of the body in a refusal', () => {
    const marker = 'MARKER4242424242424242'
    const body = Buffer.from(sample.body.toString().replaceAll('trip-1', marker))
    const received = adapter.receive({ ...genuine, body, headers: { ...genuine.headers } }, account, NOW_MS)
    const text = JSON.stringify(received.kind === 'refused' ? received : null)
    expect(text).not.toContain(marker)
    expect(text).not.toContain(secret)
  })

  it('never throws, and accepts nothing but what it would sign itself (random deliveries)', () => {
    fc.assert(
      fc.property(anyDelivery(genuine), (delivery) => {
        const received = adapter.receive(delivery, account, NOW_MS)
        expect(['accepted', 'refused']).toContain(received.kind)
        if (received.kind === 'refused') return
        if (adapter.tier === 'A') expect(delivery.body.equals(genuine.body)).toBe(true)
        for (const { eventId, fact } of received.events) {
          expect(eventId).not.toBe('')
          expect(fact?.amountMinor ?? 12345n).toBe(12345n)
        }
      }),
      runs(1_500),
    )
  })

  it('never throws (random bytes under a right signature)', () => {
    fc.assert(
      fc.property(anyBody(sample.body), (body) => {
        const received = adapter.receive(resigned(gateway, sample, body, secret, NOW_MS), account, NOW_MS)
        if (received.kind === 'refused') expect(received.detail).not.toBe('')
        else expect(received.events.every((event) => Buffer.byteLength(event.eventId) <= 255)).toBe(true)
      }),
      runs(1_500),
    )
  })
})
