import { expect, it } from 'vitest'
import { sampleAccount, signingWith } from '../../../test/support/gateway-accounts.ts'
import { resigned } from '../../../test/support/gateway-deliveries.ts'
import { isObject, type JsonObject, parseObject } from './kit/body.ts'
import { adapters } from './registry.ts'
import { buildDelivery, newSecret, samples } from './samples/samples.ts'

/** JSON values of which no text can be made: their own `toString` is none. */
const ODD: readonly unknown[] = [{ toString: 1 }, [{ toString: false, valueOf: null }]]

/** The value with an odd one in each of its places, one after the other; also within a text that is JSON itself (SNS). */
function* oddly(value: unknown, odd: unknown): Generator<unknown> {
  yield odd
  const inner = typeof value === 'string' ? parseObject(Buffer.from(value)) : null
  if (inner !== null) for (const one of oddly(inner, odd)) yield JSON.stringify(one)
  if (Array.isArray(value))
    for (const [index, entry] of value.entries())
      for (const one of oddly(entry, odd)) yield value.with(index, one)
  if (isObject(value))
    for (const [name, entry] of Object.entries(value))
      for (const one of oddly(entry, odd)) yield { ...value, [name]: one }
}

function* oddBodies(body: JsonObject): Generator<Buffer> {
  for (const odd of ODD) for (const one of oddly(body, odd)) yield Buffer.from(JSON.stringify(one))
}

it.each([...adapters.keys()])('%s: a signed value that no text can be made of throws nothing', (gateway) => {
  const adapter = adapters.get(gateway) ?? expect.fail('no adapter')
  const sample = samples.get(gateway) ?? expect.fail('no sample')
  const secret = newSecret(gateway)
  const account = sampleAccount(gateway, newSecret(gateway), secret)
  for (const kind of sample.kinds) {
    const refs = { merchantRef: 'trip-1', gatewayRef: 'order-1', operationRef: 'op-1' }
    const money = { amountMinor: 12_345n, currency: sample.currency }
    const spec = { kind, ...refs, ...money, nowMs: 1_790_000_000_000, ...signingWith(gateway, secret) }
    const built = buildDelivery(gateway, spec)
    const body = parseObject(built.body)
    if (body === null) continue
    for (const odd of oddBodies(body)) {
      const received = adapter.receive(resigned(gateway, built, odd, spec), account, spec.nowMs)
      for (const { eventId } of received.kind === 'accepted' ? received.events : [])
        expect(eventId).toMatch(/^.{1,255}$/)
    }
  }
})
