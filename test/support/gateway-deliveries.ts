import fc from 'fast-check'
import type { Delivery } from '../../src/webhooks/gateways/adapter.ts'
import type { SampleSpec } from '../../src/webhooks/gateways/samples/sample.ts'
import { type SampleDelivery, samples } from '../../src/webhooks/gateways/samples/samples.ts'

/** A sample as it arrives at an adapter. */
export function received(sample: SampleDelivery): Delivery {
  return { body: sample.body, headers: sample.headers, query: new URLSearchParams(sample.query) }
}

/** The sample with another body and the right signature for it, where the gateway could sign such a body at all. */
export function resigned(gateway: string, sample: SampleDelivery, body: Buffer, spec: SampleSpec): Delivery {
  const signed = samples.get(gateway)?.sign(body, spec) ?? null
  if (signed === null) return { ...received(sample), body }
  return {
    body: signed.body,
    headers: { ...sample.headers, ...signed.headers },
    query: new URLSearchParams(signed.query ?? sample.query),
  }
}

/** A value of a header or of the query, from the genuine one: missing, empty, doubled, over-long, cut, not ASCII, anything. */
function anyValue(genuine: string): fc.Arbitrary<string | undefined> {
  const near = [
    undefined,
    '',
    ' ',
    `${genuine}, ${genuine}`,
    `${genuine},${genuine}`,
    genuine.repeat(2_000),
    genuine.slice(0, -1),
    `${genuine}0`,
    genuine.toUpperCase(),
    `${genuine}é`,
    `\u00ff\u0100${genuine}`,
    `${genuine}\0`,
    `${genuine}\r\n`,
    't=1,v1=',
    'v1,',
    'v1a,AAAA',
    '###1',
    '0'.repeat(64),
    '0'.repeat(128),
    'A'.repeat(44),
  ]
  return fc.oneof(fc.constantFrom(...near), fc.string({ unit: 'binary' }), fc.string())
}

type Change = readonly [name: string, value: string | undefined]

function changesOf(
  names: readonly string[],
  genuineOf: (name: string) => string,
): fc.Arbitrary<Change | null> {
  if (names.length === 0) return fc.constant(null)
  return fc.constantFrom(...names).chain((name) => fc.tuple(fc.constant(name), anyValue(genuineOf(name))))
}

const QUERY_NAMES = ['hmac', 'data.id', 'type', 'topic', 'id', 'bt_challenge', '__proto__']

/** The delivery with one header, and one name of the query, as they should not be; every second time each is as it was. */
export function anyEnvelope(genuine: Delivery): fc.Arbitrary<(delivery: Delivery) => Delivery> {
  const header = changesOf(Object.keys(genuine.headers), (name) => genuine.headers[name] ?? '')
  const query = changesOf(
    [...new Set([...genuine.query.keys(), ...QUERY_NAMES])],
    (name) => genuine.query.get(name) ?? 'x',
  )
  return fc
    .tuple(fc.option(header, { freq: 1 }), fc.option(query, { freq: 1 }), fc.boolean())
    .map(([headerChange, queryChange, isBeside]) => (delivery) => ({
      body: delivery.body,
      headers:
        headerChange === null
          ? delivery.headers
          : { ...delivery.headers, [headerChange[0]]: headerChange[1] },
      query: changedQuery(delivery.query, queryChange, isBeside),
    }))
}

function changedQuery(query: URLSearchParams, change: Change | null, isBeside: boolean): URLSearchParams {
  if (change === null) return query
  const [name, value] = change
  const copy = new URLSearchParams(query)
  if (!isBeside) copy.delete(name)
  if (value !== undefined) copy.append(name, value)
  return copy
}

/** Runs of a property, with the seed that `FC_SEED` asks for. */
export function runs(numRuns: number): { numRuns: number; seed?: number } {
  const seed = process.env.FC_SEED
  return seed === undefined ? { numRuns } : { numRuns, seed: Number(seed) }
}
