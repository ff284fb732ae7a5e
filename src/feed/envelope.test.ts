import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { propertyRuns } from '../../test/support/property-runs.ts'
import { BrokenInvariant } from '../base/assert.ts'
import { type Envelope, encodeEnvelope, frameOf, type Push, parseEnvelope } from './envelope.ts'

const NOW_MS = 1_763_900_000_000

const anyText = fc.string({
  unit: fc.oneof(fc.constantFrom('\ud800', '\udc00', '\u2028', '"', ' '), fc.string()),
})
const data = fc.dictionary(anyText, fc.oneof(anyText, fc.jsonValue()))
const whole = fc.oneof(fc.maxSafeNat(), fc.constantFrom(0, 9, 10, Number.MAX_SAFE_INTEGER))
const key = fc.string({
  unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
  minLength: 1,
  maxLength: 64,
})
const said = { event: fc.constantFrom('payment:updated', 'ride:new', 'a"b'), data }
const address = fc.oneof(fc.record({ userId: fc.uuid() }), fc.record({ rideId: fc.uuid() }))
const addressed = <T>(more: fc.Arbitrary<T>) =>
  fc.tuple(address, more).map(([to, what]) => ({ ...to, ...what }))

const anyPush: fc.Arbitrary<Push> = fc.oneof(
  fc.record({ userId: fc.uuid(), ...said, seq: whole }),
  fc.record({ userId: fc.uuid(), ...said, seq: whole, bornAtMs: whole }),
  addressed(fc.record(said)),
  addressed(fc.record({ ...said, expiresAtMs: whole })),
  addressed(fc.record({ ...said, latestOf: key })),
  fc.record({ userId: fc.uuid(), fence: whole }),
)

/** What whoever holds the sockets is to know of a push. */
function meantBy(push: Push): Envelope {
  if ('fence' in push) return { type: 'fence', fence: push.fence }
  const frame = Buffer.from(frameOf(push))
  if ('seq' in push) return { type: 'durable', seq: push.seq, bornAtMs: push.bornAtMs ?? NOW_MS, frame }
  if ('expiresAtMs' in push) return { type: 'offer', expiresAtMs: push.expiresAtMs, frame }
  if ('latestOf' in push) return { type: 'latest', key: push.latestOf, frame }
  return { type: 'ephemeral', frame }
}

const parse = (text: string) => parseEnvelope(Buffer.from(text))

describe('an envelope', () => {
  it('is read as it was meant, whatever text the frame holds', () => {
    fc.assert(
      fc.property(anyPush, (push) => {
        expect(parse(encodeEnvelope(push, NOW_MS))).toEqual(meantBy(push))
      }),
      propertyRuns(1_000),
    )
  })

  it('is written in one way only: what can be read was written so', () => {
    const nearly = fc
      .tuple(anyPush, fc.nat(), fc.integer({ min: 0, max: 255 }), fc.constantFrom('put', 'cut', 'add'))
      .map(([push, place, byte, way]) =>
        mutilated(Buffer.from(encodeEnvelope(push, NOW_MS)), place, byte, way),
      )
    fc.assert(
      fc.property(
        fc.oneof(
          nearly,
          fc.uint8Array().map((bytes) => Buffer.from(bytes)),
        ),
        (bytes) => {
          const envelope = parseEnvelope(bytes)
          if (envelope !== null) expect(writtenAgain(envelope)).toEqual(bytes)
        },
      ),
      propertyRuns(5_000),
    )
  })

  it('is as the contract of channels says', () => {
    const one = { event: 'payment:updated', data: { n: 1 } }
    const frame = '{"event":"payment:updated","data":{"n":1}}'
    const cases: [Push, string][] = [
      [
        { ...one, userId: 'u', seq: 42, bornAtMs: 7 },
        'd42,7 {"event":"payment:updated","seq":42,"data":{"n":1}}',
      ],
      [{ ...one, rideId: 'r' }, `e ${frame}`],
      [{ ...one, userId: 'u', expiresAtMs: 9 }, `o9 ${frame.slice(0, -1)},"expiresAt":9}`],
      [{ ...one, rideId: 'r', latestOf: 'driver:d' }, `ldriver:d ${frame}`],
      [{ userId: 'u', fence: 3 }, 'x3 '],
    ]
    for (const [push, text] of cases) expect(encodeEnvelope(push, NOW_MS)).toBe(text)
  })

  it('holds its frame without a copy', () => {
    const bytes = Buffer.from('e {"event":"a","data":{}}')
    const envelope = parseEnvelope(bytes)
    expect(envelope?.type === 'ephemeral' && envelope.frame.buffer).toBe(bytes.buffer)
  })

  it.each([
    ...['', ' ', 'e', 'e ', 'e x', 'e {', 'e }', 'e []', 'e1 {}', 'z {}', 'E {}', '{"event":"a"}'],
    ...[
      'd {}',
      'd1 {}',
      'd1, {}',
      'd,1 {}',
      'd01,1 {}',
      'd1,01 {}',
      'd-1,1 {}',
      'd1.5,1 {}',
      'd1,2,3 {}',
      'd1 ,2 {}',
    ],
    ...['d1 {"a":1,2}', `d${2 ** 53},1 {}`, 'd1e3,1 {}', 'o {}', 'ox {}', `o${2 ** 53} {}`, 'l {}', 'lä {}'],
    ...[`l${'k'.repeat(65)} {}`, 'x', 'x ', 'x1', 'x1 {}', 'x1  ', 'xx '],
  ])('is not: %s', (text) => {
    expect(parse(text)).toBeNull()
  })

  it('is not what no socket could be sent as text', () => {
    expect(
      parseEnvelope(Buffer.concat([Buffer.from('e {"'), Buffer.from([0xff]), Buffer.from('":1}')])),
    ).toBeNull()
  })

  it('is not made of what would be read otherwise', () => {
    const one = { userId: 'u', event: 'a', data: {} }
    const defects: Push[] = [
      ...['', 'a b', 'ä', 'k'.repeat(65)].map((latestOf) => ({ ...one, latestOf })),
      ...[-1, 1.5, Number.NaN, 2 ** 53].flatMap((n) => [
        { ...one, seq: n },
        { ...one, expiresAtMs: n },
        { userId: 'u', fence: n },
      ]),
    ]
    for (const push of defects) expect(() => encodeEnvelope(push, NOW_MS)).toThrow(BrokenInvariant)
  })
})

function mutilated(bytes: Buffer, place: number, byte: number, way: string): Buffer {
  const at = place % Math.min(bytes.length, 70)
  if (way === 'cut') return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)])
  const rest = bytes.subarray(way === 'put' ? at + 1 : at)
  return Buffer.concat([bytes.subarray(0, at), Buffer.from([byte]), rest])
}

function writtenAgain(envelope: Envelope): Buffer {
  switch (envelope.type) {
    case 'fence':
      return Buffer.from(`x${envelope.fence} `)
    case 'durable':
      return Buffer.concat([Buffer.from(`d${envelope.seq},${envelope.bornAtMs} `), envelope.frame])
    case 'offer':
      return Buffer.concat([Buffer.from(`o${envelope.expiresAtMs} `), envelope.frame])
    case 'latest':
      return Buffer.concat([Buffer.from(`l${envelope.key} `), envelope.frame])
    case 'ephemeral':
      return Buffer.concat([Buffer.from('e '), envelope.frame])
  }
}
