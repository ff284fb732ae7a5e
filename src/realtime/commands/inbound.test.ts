import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { propertyRuns } from '../../../test/support/property-runs.ts'
import { COMMAND_FRAME } from '../protocol/frames.ts'
import { MAX_DEPTH, MAX_FRAME_CHARACTERS, readFrame } from './inbound.ts'

const frame = (members: Readonly<Record<string, unknown>>) => readFrame(JSON.stringify(members))

/** `frame`, or what is wrong with the text. */
function fate(text: string): string {
  const read = readFrame(text)
  return read.kind === 'frame' ? read.kind : read.reason
}

describe('a frame', () => {
  it('has an event, and may have an id and data', () => {
    expect(frame({ id: 'c7', event: 'ping', data: { n: 1 } })).toEqual({
      kind: 'frame',
      frame: { id: 'c7', event: 'ping', data: { n: 1 } },
    })
    for (const members of [{}, { data: {} }, { data: null }, { id: null }])
      expect(frame({ event: 'ping', ...members })).toEqual({
        kind: 'frame',
        frame: { id: null, event: 'ping', data: {} },
      })
  })

  it.each([
    ['', 'no_json'],
    ['ping', 'no_json'],
    ['{"event":"ping"', 'no_json'],
    ['{"event":"ping"}{}', 'no_json'],
    ["{'event':'ping'}", 'no_json'],
    ['{"event":"ping",}', 'no_json'],
    ['{"event":"\u0000"}', 'no_json'],
    ['null', 'no_object'],
    ['[]', 'no_object'],
    ['"ping"', 'no_object'],
    ['7', 'no_object'],
    ['{}', 'bad_event'],
    ['{"event":7}', 'bad_event'],
    ['{"event":""}', 'bad_event'],
    ['{"event":"pi ng"}', 'bad_event'],
    ['{"event":"é"}', 'bad_event'],
    [`{"event":"${'a'.repeat(65)}"}`, 'bad_event'],
    ['{"event":"ping","id":7}', 'bad_id'],
    ['{"event":"ping","id":""}', 'bad_id'],
    ['{"event":"ping","id":"a b"}', 'bad_id'],
    [`{"event":"ping","id":"${'a'.repeat(65)}"}`, 'bad_id'],
    ['{"event":"ping","data":7}', 'bad_data'],
    ['{"event":"ping","data":[]}', 'bad_data'],
    ['{"event":"ping","data":"{}"}', 'bad_data'],
    ['{"event":"ping","constructor":1}', 'unknown_member'],
    ['{"event":"ping","seq":1}', 'unknown_member'],
    ['{"event":"ping","event":"ping"}', 'ambiguous'],
    ['{"event":"ping","\\u0065vent":"pong"}', 'ambiguous'],
    ['{"event":"ping","data":{"a":1,"a":2}}', 'ambiguous'],
    ['{"event":"ping","data":{"a":[{"b":1,"b":1}]}}', 'ambiguous'],
    ['{"event":"ping","data":{"__proto__":{"userType":"driver"}}}', 'ambiguous'],
    ['{"event":"ping","__proto__":{"id":"c7"}}', 'ambiguous'],
    [`{"event":"ping","data":{"a":${'['.repeat(9_000)}`, 'too_deep'],
    [`{"event":"ping","data":${'{"a":'.repeat(MAX_DEPTH)}1${'}'.repeat(MAX_DEPTH)}}`, 'too_deep'],
    [`{"event":"ping","data":{"a":"${'a'.repeat(MAX_FRAME_CHARACTERS)}"}}`, 'too_long'],
  ])('is not %.60j', (text, reason) => {
    expect(fate(text)).toBe(reason)
  })

  it.each([
    '{"event":"ping","data":{"a":"[[[[[[[[[[{{{{{{{{{{"}}',
    '{"event":"ping","data":{"a":"\\"::\\\\","b:":":"}}',
    '{"event":"ping","data":{"constructor":1,"prototype":{},"toString":null}}',
    `{"event":"ping","data":${'{"a":'.repeat(MAX_DEPTH - 2)}{}${'}'.repeat(MAX_DEPTH - 2)}}`,
    ' {"data" : {"a" : 1e999, "b":"\ud800"} , "event" : "ping" } ',
  ])('may be %.60j', (text) => {
    expect(fate(text)).toBe('frame')
  })

  it('that is malformed says its id where it has one', () => {
    expect(frame({ id: 'c7', event: 7 })).toEqual({ kind: 'malformed', reason: 'bad_event', id: 'c7' })
    expect(readFrame('{"id":"c7"')).toMatchObject({ id: null })
  })

  it('changes no prototype', () => {
    const read = readFrame('{"event":"ping","data":{"constructor":{"prototype":{"polluted":1}}}}')
    expect(read.kind).toBe('frame')
    expect(({} as { polluted?: number }).polluted).toBeUndefined()
  })
})

describe('whatever a text is', () => {
  it('reading it throws nothing', () => {
    const pieces = fc.array(
      fc.constantFrom(
        ...'{}[]":,\\u0 ',
        '"id"',
        '"event"',
        '"data"',
        '"a"',
        '"__proto__"',
        '1e9',
        'null',
        'é',
      ),
    )
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.json(),
      pieces.map((parts) => parts.join('')),
    )
    fc.assert(
      fc.property(texts, (text) => {
        expect(['frame', 'malformed']).toContain(readFrame(text).kind)
      }),
      propertyRuns(3_000),
    )
  })

  it('what is JSON is a frame where the schema says so', () => {
    const name = fc.constantFrom('id', 'event', 'data', 'other')
    const value = fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.constantFrom('ping', 'a b', 'c7', {}))
    fc.assert(
      fc.property(fc.dictionary(name, value), (members) => {
        const text = JSON.stringify(members)
        fc.pre(!text.includes('__proto__') && members.id !== null && members.data !== null)
        const parsed = COMMAND_FRAME.safeParse(JSON.parse(text))
        expect(readFrame(text).kind).toBe(parsed.success ? 'frame' : 'malformed')
        if (parsed.success)
          expect(readFrame(text)).toMatchObject({
            frame: { id: parsed.data.id ?? null, data: parsed.data.data },
          })
      }),
      propertyRuns(2_000),
    )
  })
})
