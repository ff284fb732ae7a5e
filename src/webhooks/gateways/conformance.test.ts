import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sampleAccount, signingWith } from '../../../test/support/gateway-accounts.ts'
import { received as asReceived } from '../../../test/support/gateway-deliveries.ts'
import { maySettle, tierOf } from '../event.ts'
import type { Delivery, GatewayEvent, Received } from './adapter.ts'
import { CASE, judgeCase } from './case.ts'
import { adapters } from './registry.ts'
import type { SampleSpec } from './samples/sample.ts'
import { buildDelivery, newSecret, samples } from './samples/samples.ts'

const NOW_MS = 1_790_000_000_000
const GATEWAYS = [...adapters.keys()]

function vectorsOf(gateway: string) {
  const url = new URL(`../../../test/vectors/${gateway}.json`, import.meta.url)
  return CASE.array().parse(JSON.parse(readFileSync(url, 'utf8')))
}

describe.each(GATEWAYS)('%s: vectors', (gateway) => {
  const adapter = adapters.get(gateway) ?? expect.fail('no adapter')

  it.each(vectorsOf(gateway))('$name', (vector) => {
    const verdict = judgeCase(vector, adapter)
    expect(verdict.valid, verdict.reason ?? '').toBe(vector.valid)
    if (!verdict.valid) return
    if (vector.eventId !== undefined) expect(verdict.eventId).toEqual(vector.eventId)
    if (vector.amountMinor !== undefined) expect(verdict.amountMinor).toBe(Number(vector.amountMinor))
    if (vector.currency !== undefined) expect(verdict.currency).toBe(vector.currency)
    if (vector.mustNotMoveMoney === true) expect(verdict.mayMoveMoney).toBe(false)
    if (vector.mayMoveMoney === true) expect(verdict.mayMoveMoney).toBe(true)
  })
})

describe.each(GATEWAYS)('%s: the contract of receive', (gateway) => {
  const adapter = adapters.get(gateway) ?? expect.fail('no adapter')
  const sample = samples.get(gateway) ?? expect.fail('no sample')
  const secret = newSecret(gateway)
  const account = sampleAccount(gateway, newSecret(gateway), secret)
  const spec: SampleSpec = {
    kind: 'captured',
    merchantRef: 'trip-1',
    gatewayRef: 'order-1',
    operationRef: 'op-1',
    amountMinor: 12_345n,
    currency: sample.currency,
    nowMs: NOW_MS,
    ...signingWith(gateway, secret),
  }
  const built = buildDelivery(gateway, spec)
  const genuine = asReceived(built)
  const receive = (delivery: Delivery, on = account, nowMs: number | null = NOW_MS) =>
    adapter.receive(delivery, on, nowMs)
  const [first] = eventsOf(receive(genuine))

  it('reads the fact of a genuine delivery and says which secret matched', () => {
    expect(receive(genuine)).toMatchObject({ kind: 'accepted', secretIndex: secret === '' ? 0 : 1 })
    expect(first?.hold).toBeNull()
    if (first?.isHint === true) return
    const { amountMinor, currency } = spec
    expect(first?.fact).toMatchObject({ kind: 'captured', amountMinor, currency })
    expect([first?.fact?.merchantRef, first?.fact?.gatewayRef]).toContainEqual(
      expect.stringMatching(/trip-1|order-1/),
    )
  })

  it('lets it settle or not by its tier', () => {
    if (first === undefined) return expect.fail('no event')
    const mayByTier = !adapter.confirmFirst && 'AB'.includes(tierOf(adapter, first))
    expect(maySettle(adapter, first)).toBe(mayByTier && first.isHint !== true)
  })

  it.each(sample.kinds)('reads %s', (kind) => {
    const events = eventsOf(receive(asReceived(buildDelivery(gateway, { ...spec, kind }))))
    expect(events).toHaveLength(1)
    if (events[0]?.isHint !== true) expect(events[0]?.fact?.kind).toBe(kind)
  })

  it('gives two facts two event ids, and one fact one', () => {
    const idOf = (change: Partial<SampleSpec>) =>
      eventsOf(receive(asReceived(buildDelivery(gateway, { ...spec, ...change }))))[0]?.eventId
    expect(idOf({ nowMs: NOW_MS + 1_000 })).toBe(first?.eventId)
    expect(idOf({ operationRef: 'op-2', gatewayRef: 'order-2', merchantRef: 'trip-2' })).not.toBe(
      first?.eventId,
    )
  })

  it.skipIf(secret === '')('accepts nothing with another, a blank or no secret', () => {
    for (const secrets of [[], [''], ['  '], [newSecret(gateway)]]) {
      const refusal = receive(genuine, { ...account, secrets })
      expect(refusal).toMatchObject({ kind: 'refused', code: expect.stringMatching(/^signature_/) })
    }
  })

  const signing = Object.keys(genuine.headers).filter((name) => !isUnsigned(name))

  function isUnsigned(name: string): boolean {
    return name === 'content-type' || (sample.unsignedHeaders ?? []).includes(name)
  }

  it.each(signing)('refuses a %s that is missing, empty, over-long or not ASCII', (name) => {
    const value = genuine.headers[name] ?? ''
    for (const header of [undefined, '', ' ', value.repeat(2_000), `${value}é`, `\u00ff\u0100${value}`]) {
      const delivery = { ...genuine, headers: { ...genuine.headers, [name]: header } }
      const said = [name, header?.slice(0, 20)]
      expect([...said, receive(delivery).kind]).toEqual([...said, 'refused'])
    }
  })

  it.each(signing)('takes a doubled %s for no more than one', (name) => {
    const value = `${genuine.headers[name]}, ${genuine.headers[name]}`
    const result = receive({ ...genuine, headers: { ...genuine.headers, [name]: value } })
    if (result.kind === 'accepted') expect(result.events).toEqual([first])
    else expect(result.kind).toBe('refused')
  })

  it('gives an unsigned header no say in what makes an event one', () => {
    for (const name of sample.unsignedHeaders ?? []) {
      const headers = { ...genuine.headers, [name]: 'another' }
      expect(eventsOf(receive({ ...genuine, headers }))[0]?.eventId).toBe(first?.eventId)
      expect(eventsOf(receive({ ...genuine, headers: { ...headers, [name]: undefined } }))).toHaveLength(1)
    }
  })

  // One form can be written in several ways (%2B and %2b); what is signed is what it says.
  const isForm = genuine.headers['content-type']?.includes('form') === true

  it.skipIf(adapter.tier !== 'A')('refuses a body with any bit flipped, and one written anew', () => {
    const bits = new Set(fc.sample(fc.nat(genuine.body.length * 8 - 1), { numRuns: 400, ...seeded() }))
    for (const bit of bits) {
      const body = Buffer.from(genuine.body)
      body[bit >> 3] = (body[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      const result = receive({ ...genuine, body })
      if (isForm && result.kind === 'accepted') expect([bit, ...result.events]).toEqual([bit, first])
      else expect([bit, result.kind]).toEqual([bit, 'refused'])
    }
    expect(receive({ ...genuine, body: Buffer.concat([genuine.body, Buffer.from(' ')]) }).kind).toBe(
      'refused',
    )
  })

  // A signature that stands in the body comes and goes with it; such gateways test their signed fields one by one.
  const isBesideBody = signing.length > 0 || built.query !== ''

  it.skipIf(!isBesideBody)('moves no other money under the signature of another delivery', () => {
    const others: readonly Partial<SampleSpec>[] = [
      { amountMinor: 99_900n },
      { merchantRef: 'trip-2' },
      { gatewayRef: 'order-2' },
      { operationRef: 'op-2' },
      ...sample.kinds.filter((kind) => kind !== 'captured').map((kind) => ({ kind })),
    ]
    for (const other of others) {
      const { body } = buildDelivery(gateway, { ...spec, ...other })
      const result = receive({ ...genuine, body })
      const settling =
        result.kind === 'accepted' ? result.events.filter((event) => maySettle(adapter, event)) : []
      for (const event of settling) expect(event.fact).toEqual(first?.fact)
    }
  })

  it.skipIf(adapter.toleranceSeconds === undefined)(
    'refuses what was signed long ago or in the far future',
    () => {
      const toleranceMs = (adapter.toleranceSeconds ?? 0) * 1_000
      for (const sign of [-1, 1]) {
        expect(receive(genuine, account, NOW_MS + sign * toleranceMs).kind).toBe('accepted')
        const late = receive(genuine, account, NOW_MS + sign * (toleranceMs + 1_000))
        expect(late).toMatchObject({ kind: 'refused', code: 'signature_expired' })
        expect(receive(genuine, account, null).kind).toBe('accepted')
      }
    },
  )

  it.skipIf(adapter.toleranceSeconds !== undefined)(
    'takes what came long ago or from the far future for the same, where no age is judged',
    () => {
      for (const years of [-10, 10])
        expect(eventsOf(receive(genuine, account, NOW_MS + years * 31_536_000_000))).toEqual([first])
    },
  )

  it('names no secret and no value of the body in a refusal', () => {
    const marker = 'MARKER4242424242424242'
    const body = Buffer.from(genuine.body.toString().replaceAll('trip-1', marker))
    const result = receive({ body, headers: {}, query: new URLSearchParams() })
    if (result.kind !== 'refused') return
    const refusal = JSON.stringify(result)
    expect(refusal).not.toContain(marker)
    if (secret !== '') expect(refusal).not.toContain(secret)
  })
})

function eventsOf(result: Received): readonly GatewayEvent[] {
  if (result.kind !== 'accepted') throw new Error(`not accepted: ${JSON.stringify(result)}`)
  return result.events
}

function seeded(): { seed?: number } {
  const seed = process.env.FC_SEED
  return seed === undefined ? {} : { seed: Number(seed) }
}

it('has a sample and a page for every gateway', () => {
  expect([...samples.keys()].sort()).toEqual([...GATEWAYS].sort())
  for (const gateway of GATEWAYS)
    expect(readFileSync(new URL(`../../../docs/gateways/${gateway}.md`, import.meta.url), 'utf8')).not.toBe(
      '',
    )
})
