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

/** Bodies near the genuine one (a field replaced, removed, doubled; bytes changed) and bodies far from it. */
export function anyBody(genuine: Buffer): fc.Arbitrary<Buffer> {
  return fc.oneof(
    { weight: 6, arbitrary: fieldReplaced(genuine) },
    { weight: 2, arbitrary: bytesChanged(genuine) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)) },
    { weight: 1, arbitrary: fc.json().map((text) => Buffer.from(text)) },
    { weight: 1, arbitrary: fc.constantFrom(...ODD_BODIES).map((text) => Buffer.from(text, 'latin1')) },
  )
}

const ODD_BODIES = [
  '',
  'null',
  '[]',
  '""',
  '{}',
  '\xef\xbb\xbf{}',
  '{"a":"\xff"}',
  '['.repeat(100_000),
  `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`,
  `{"id":${'9'.repeat(400)}}`,
  '{"type":"TRANSACTION","obj":null}',
  '{"data":{"signatureKeys":["__proto__","constructor","toString"]}}',
  '{"__proto__":{"id":"evt_1","type":"payment.captured"}}',
]

const ODD_VALUES: fc.Arbitrary<string> = fc.oneof(
  fc.json({ maxDepth: 2 }),
  fc.constantFrom(
    '1e400',
    '-1',
    '0',
    '1.5',
    '123456789012345678901234567890',
    '"\\ud800"',
    '"\\u0000"',
    `"${'é'.repeat(200)}"`,
    `"${'a'.repeat(300)}"`,
    'true',
    'null',
    '[]',
    '{}',
    '["a",["b"]]',
    '{"__proto__":1}',
    '"EGP"',
    '""',
    '" "',
  ),
)

/** Replaces the value after one of the genuine body's keys, textually, so that numbers and escapes stay as written. */
function fieldReplaced(genuine: Buffer): fc.Arbitrary<Buffer> {
  const text = genuine.toString()
  if (!text.startsWith('{')) return formFieldReplaced(text)
  const fields = [...text.matchAll(/"(\w+)":("(?:[^"\\]|\\.)*"|[\d.]+|true|false|null|\{|\[)/g)]
  const edit = fc.constantFrom('replace' as const, 'double' as const, 'rename' as const)
  return fc.tuple(fc.constantFrom(...fields), ODD_VALUES, edit).map(([field, value, how]) => {
    const [whole, key = ''] = field
    const before = text.slice(0, field.index)
    const after = text.slice(field.index)
    if (how === 'rename') return Buffer.from(`${before}${after.replace(`"${key}"`, '"other"')}`)
    if (how === 'double') return Buffer.from(`${before}"${key}":${value},${after}`)
    const opens = whole.endsWith('{') || whole.endsWith('[')
    const rest = opens ? `"${key}":${value},"inner":${whole.slice(-1)}` : `"${key}":${value}`
    return Buffer.from(before + rest + after.slice(whole.length))
  })
}

/** The same of a form. */
function formFieldReplaced(text: string): fc.Arbitrary<Buffer> {
  const pairs = text.split('&')
  const edit = fc.constantFrom('replace' as const, 'double' as const, 'rename' as const, 'remove' as const)
  return fc.tuple(fc.nat(pairs.length - 1), ODD_FORM_VALUES, edit).map(([at, value, how]) => {
    const [name = '', written = ''] = pairs[at]?.split('=') ?? []
    const anew = {
      replace: [`${name}=${value}`],
      double: [`${name}=${value}`, `${name}=${written}`],
      rename: [`other=${written}`],
      remove: [],
    }
    return Buffer.from(pairs.toSpliced(at, 1, ...anew[how]).join('&'))
  })
}

const ODD_FORM_VALUES: fc.Arbitrary<string> = fc.oneof(
  fc.string().map(encodeURIComponent),
  fc.constantFrom(
    '',
    '%',
    '%ff',
    '%00',
    '+',
    'é',
    '%C3%A9',
    'a'.repeat(300),
    '1e400',
    '-1',
    '0',
    '0x10',
    'a=b',
  ),
)

function bytesChanged(genuine: Buffer): fc.Arbitrary<Buffer> {
  const change = fc.tuple(fc.nat(genuine.length - 1), fc.nat(255))
  return fc.array(change, { minLength: 1, maxLength: 4 }).map((changes) => {
    const body = Buffer.from(genuine)
    for (const [at, byte] of changes) body[at] = byte
    return body
  })
}

/** Deliveries with the genuine signature over another body, another signature, or neither. */
export function anyDelivery(genuine: Delivery): fc.Arbitrary<Delivery> {
  const names = Object.keys(genuine.headers)
  const header = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('', 't=1,v1=', 'v1,', 'v1a,AAAA', '0'.repeat(64)),
  )
  const headers = fc
    .option(fc.tuple(fc.constantFrom(...names), fc.option(header, { nil: undefined })))
    .map((change) => (change === null ? genuine.headers : { ...genuine.headers, [change[0]]: change[1] }))
  const hmac = fc.option(fc.oneof(fc.string(), fc.constant('0'.repeat(128))))
  const query = hmac.map((value) => (value === null ? genuine.query : new URLSearchParams({ hmac: value })))
  return fc.record({ body: fc.oneof(anyBody(genuine.body), fc.constant(genuine.body)), headers, query })
}

/** Runs of a property, with the seed that `FC_SEED` asks for. */
export function runs(numRuns: number): { numRuns: number; seed?: number } {
  const seed = process.env.FC_SEED
  return seed === undefined ? { numRuns } : { numRuns, seed: Number(seed) }
}
