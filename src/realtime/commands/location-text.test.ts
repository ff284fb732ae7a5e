import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { propertyRuns } from '../../../test/support/property-runs.ts'
import { parseFields } from '../../base/validation.ts'
import { COMMANDS, type CommandData } from '../protocol/commands.ts'
import { readFrame } from './inbound.ts'
import { readLocation } from './location-text.ts'

const HERE = { latitude: 30.0444, longitude: 31.2357 }
const textOf = (data: object) => JSON.stringify({ event: 'driver:location', data })

/** What the schemas read; null: it is no position that may go without an answer. */
function bySchema(text: string) {
  const read = readFrame(text)
  if (read.kind === 'malformed' || read.frame.id !== null || read.frame.event !== 'driver:location')
    return null
  const schema = COMMANDS['driver:location'].data
  const parsed = parseFields<CommandData<'driver:location'>>(schema, read.frame.data)
  if (!parsed.ok) return null
  const { latitude, longitude, speed, heading } = parsed.value
  return { latitude, longitude, speed, heading }
}

/** Numbers as texts: at the limits and beyond, with exponents, and what is no JSON. */
const NOTABLE = [
  ...['null', '-1', '-0', '0', '0.0', '-0.0', '1.5', '-0.5', '-1.0000001', '30.0444', '1763900000000'],
  ...['90', '-90', '90.0000001', '-90.0000001', '180', '-180', '180.0000001', '-180.0000001'],
  ...['360', '360.0000001', '400', '400.0000001', '100000', '100000.0000001'],
  ...['8640000000000000', '8640000000000001', '9007199254740992', '1e2', '1E-7', '1e999', '-1e999'],
  ...[
    '1e',
    '01',
    '-',
    '-01',
    '1.',
    '.5',
    '+1',
    '0x1f',
    'NaN',
    'Infinity',
    '1_0',
    '"30"',
    'true',
    'nul',
    'nullx',
  ],
  ...['', ' 1', '1 ', '{}', '[]', '1.2.3'],
]
const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
  fc.double({ min: -400, max: 400, noNaN: true }).map((value) => JSON.stringify(value)),
  fc.double({ min: -90, max: 90, noNaN: true }).map((value) => value.toFixed(30)),
  fc.maxSafeNat().map(String),
  fc.constantFrom(...NOTABLE),
)
/** Mostly what a phone may say. */
const likely = fc.oneof(
  { weight: 12, arbitrary: fc.double({ min: 0, max: 90, noNaN: true }).map((value) => value.toFixed(7)) },
  { weight: 1, arbitrary: number },
)
const name = fc.constantFrom(
  ...['latitude', 'longitude', 'speed', 'heading', 'accuracy', 'at'],
  ...['tip', 'Latitude', 'lat\\u0069tude', '__proto__', ''],
)
const member = fc.tuple(name, likely).map(([key, value]) => `"${key}":${value}`)
const wellMeant = fc
  .tuple(likely, likely, fc.array(member, { maxLength: 4 }))
  .chain(([latitude, longitude, more]) =>
    fc.shuffledSubarray([`"latitude":${latitude}`, `"longitude":${longitude}`, ...more], { minLength: 2 }),
  )
const data = fc.oneof({ weight: 4, arbitrary: wellMeant }, fc.array(member, { maxLength: 7 }))
const frame = fc
  .tuple(
    fc.constantFrom(
      ...Array<string>(8).fill('{"event":"driver:location","data":{'),
      '{"data":{',
      ' {"event":"driver:location","data":{',
    ),
    data,
    fc.constantFrom(
      ...Array<string>(8).fill('}}'),
      '}',
      '}} ',
      '}}}',
      '},"id":"c1"}',
      '},"event":"ping"}',
      ',}}',
    ),
  )
  .map(([start, members, end]) => `${start}${members.join(',')}${end}`)
/** One character is another, is missing, or is there twice. */
const spoilt = fc
  .tuple(
    frame,
    fc.nat(),
    fc.constantFrom('', '"', ',', ':', '{', '}', '\\', '.', '-', '0', 'e', ' ', '\u0000', 'é', '٣'),
  )
  .map(([text, at, other]) => {
    const place = at % text.length
    return text.slice(0, place) + other + text.slice(place + (at % 2))
  })

describe('a position', () => {
  it.each([
    HERE,
    { latitude: 30.051234567890123, longitude: -31.24999999999997 },
    { ...HERE, speed: 3.2, heading: 359.9, accuracy: 12, at: 1_763_900_000_000 },
    { at: 0, accuracy: null, heading: null, speed: -1, longitude: 180, latitude: -90 },
  ])('is read as apps write it: %j', (sent) => {
    expect(readLocation(textOf(sent))).not.toBeNull()
  })

  it.each([
    '{"id":"c1","event":"driver:location","data":{"latitude":30,"longitude":31}}',
    '{"event":"driver:location","data":{"latitude":30,"longitude":31},"id":null}',
    '{"event":"driver:location","data":{"latitude":30,"longitude":31,"latitude":30}}',
    '{"event":"driver:location","data":{"latitude":30,"longitude":31,"speed":1,"speed":null}}',
    '{"event":"driver:location","data":{"latitude":30}}',
    '{"event":"driver:location","data":{"latitude":90.1,"longitude":31}}',
    '{"event":"driver:location","data":{"latitude":null,"longitude":31}}',
    '{"event":"driver:location","data":{"latitude":30,"longitude":31,"at":1.5}}',
    '{"event":"driver:location","data":{"latitude":30,"longitude":31,}}',
    '{"event":"driver:location","data":{"latitude":030,"longitude":31}}',
    `{"event":"driver:location","data":{"latitude":30.${'0'.repeat(16_384)},"longitude":31}}`,
    textOf({ ...HERE, tip: 1 }),
  ])('that is none, or wants an answer, is read by the schemas: %.90s', (text) => {
    expect(readLocation(text)).toBeNull()
  })

  it.each(['latitude', 'longitude', 'speed', 'heading', 'accuracy', 'at'])(
    'has a %s as the schemas have it',
    (key) => {
      for (const value of NOTABLE) {
        const others = Object.entries(HERE).filter(([other]) => other !== key)
        const members = [...others, [key, value]].map(([other, its]) => `"${other}":${its}`)
        const text = `{"event":"driver:location","data":{${members.join(',')}}}`
        const expected = /[\de]e|\dE| /.test(value) ? null : bySchema(text)
        expect(readLocation(text), text).toStrictEqual(expected)
      }
    },
  )

  it('is what the schemas read, and nothing that they refuse, whatever the text', () => {
    let taken = 0
    fc.assert(
      fc.property(fc.oneof(frame, spoilt, fc.json()), (text) => {
        const read = readLocation(text)
        if (read === null) return
        taken += 1
        // Objects of one shape, with Object.is for their numbers.
        expect(read).toStrictEqual(bySchema(text))
      }),
      propertyRuns(20_000),
    )
    expect(taken).toBeGreaterThan(500)
  })

  it('is read without the schemas wherever they would take it, unless it has blanks, escapes, an exponent or another order of the frame', () => {
    fc.assert(
      fc.property(frame, (text) => {
        fc.pre(!/[ \\eE]-?\d|[ \\]/.test(text) && text.startsWith('{"event":"driver:location","data":{"'))
        fc.pre(text.length <= 256 && text.endsWith('}}'))
        expect(readLocation(text)).toStrictEqual(bySchema(text))
      }),
      propertyRuns(5_000),
    )
  })
})
