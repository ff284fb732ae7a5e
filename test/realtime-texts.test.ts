import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { Attacked } from './support/attacked.ts'
import { clientFrame } from './support/raw-frames.ts'

let attacked: Attacked

beforeAll(async () => {
  attacked = await Attacked.open('realtime-texts')
})

afterEach(async () => {
  await attacked?.isWell()
  expect(Object.keys(Object.prototype)).toEqual([])
})

afterAll(() => attacked?.close())

/** A command's text around these members. */
const text = (members: string) => `{"id":"c1","event":"ping",${members}}`

/** What is sent, and what is answered: `re` and the code of the error. */
const MALFORMED: readonly (readonly [string, string, string | null])[] = [
  ['nothing', '', null],
  ['a blank', ' ', null],
  ['no JSON', 'ping', null],
  ['a list', '[]', null],
  ['a list of commands', `[${text('"data":{}')}]`, null],
  ['a text', '"ping"', null],
  ['a number', '7', null],
  ['null', 'null', null],
  ['true', 'true', null],
  ['NaN', 'NaN', null],
  ['NaN as data', text('"data":NaN'), null],
  ['Infinity as data', text('"data":{"seq":Infinity}'), null],
  ['a number beyond any', '1e999', null],
  ['20 digits', '12345678901234567890', null],
  ['ten thousand lists', '['.repeat(10_000), null],
  ['eight thousand lists, closed', '['.repeat(8_000) + ']'.repeat(8_000), null],
  ['thousands of objects', `${'{"a":'.repeat(2_600)}1${'}'.repeat(2_600)}`, null],
  ['thousands of objects as data', text(`"data":${'{"a":'.repeat(2_600)}1${'}'.repeat(2_600)}`), null],
  ['a byte order mark', `\ufeff${text('"data":{}')}`, null],
  ['something behind it', `${text('"data":{}')}x`, null],
  ['two in one', text('"data":{}') + text('"data":{}'), null],
  ['NUL behind it', `${text('"data":{}')}\0`, null],
  ['NUL in a string', '{"event":"pi\0ng"}', null],
  ['a line break in a string', '{"event":"pi\nng"}', null],
  ['a trailing comma', '{"event":"ping",}', null],
  ['a comment', '{"event":"ping"/**/}', null],
  ['single quotes', "{'event':'ping'}", null],
  ['half of it', '{"event":"pi', null],
  ['a member twice', '{"event":"pong","event":"ping"}', null],
  ['a member twice, once in disguise', '{"event":"pong","\\u0065vent":"ping"}', null],
  ['an id twice', '{"id":"c1","id":"c2","event":"ping"}', 'c2'],
  ['data twice, deeper', text('"data":{"a":1,"a":2}'), 'c1'],
  ['__proto__', '{"__proto__":{"event":"ping"}}', null],
  ['__proto__ beside the rest', text('"__proto__":{"isAdmin":true}'), 'c1'],
  ['__proto__ in data', text('"data":{"__proto__":{"isAdmin":true}}'), 'c1'],
  ['constructor', text('"constructor":{"prototype":{"isAdmin":true}}'), 'c1'],
  ['prototype', text('"prototype":{}'), 'c1'],
  ['a member that nobody knows', text('"token":"x"'), 'c1'],
  ['no event', '{"id":"c1","data":{}}', 'c1'],
  ['an empty event', '{"id":"c1","event":""}', 'c1'],
  ['an event of 65 characters', `{"id":"c1","event":"${'e'.repeat(65)}"}`, 'c1'],
  ['an event that is not ASCII', '{"id":"c1","event":"ping\u00e9"}', 'c1'],
  ['an event with a blank', '{"id":"c1","event":"pi ng"}', 'c1'],
  ['an event of half a surrogate', '{"id":"c1","event":"\\ud800"}', 'c1'],
  ['an event that is a number', '{"id":"c1","event":7}', 'c1'],
  ['an event that is a list', '{"id":"c1","event":["ping"]}', 'c1'],
  ['an empty id', '{"id":"","event":"ping"}', null],
  ['an id of 65 characters', `{"id":"${'i'.repeat(65)}","event":"ping"}`, null],
  ['an id that is not ASCII', '{"id":"\u00e9","event":"ping"}', null],
  ['an id of half a surrogate', '{"id":"\\udfff","event":"ping"}', null],
  ['an id with a line break', '{"id":"a\\nb","event":"ping"}', null],
  ['an id that is a number', '{"id":7,"event":"ping"}', null],
  ['an id that is an object', '{"id":{"toString":1},"event":"ping"}', null],
  ['data that is a list', text('"data":[]'), 'c1'],
  ['data that is a text', text('"data":"{}"'), 'c1'],
  ['data that is a number', text('"data":1e999'), 'c1'],
]

/** What is well formed, and refused. */
const REFUSED: readonly (readonly [string, string, string])[] = [
  ['a command that is none', '{"id":"c1","event":"nothing"}', 'unknown_event'],
  ['constructor as a command', '{"id":"c1","event":"constructor"}', 'unknown_event'],
  ['__proto__ as a command', '{"id":"c1","event":"__proto__"}', 'unknown_event'],
  ['hasOwnProperty as a command', '{"id":"c1","event":"hasOwnProperty"}', 'unknown_event'],
  ['a push of ours as a command', '{"id":"c1","event":"payment:completed","data":{}}', 'unknown_event'],
  ['a command of drivers', '{"id":"c1","event":"driver:offline"}', 'forbidden'],
  ['constructor in data', text('"data":{"constructor":{}}'), 'invalid'],
  ['a number beyond any', '{"id":"c1","event":"feed:ack","data":{"seq":1e999}}', 'invalid'],
  ['20 digits', '{"id":"c1","event":"feed:ack","data":{"seq":12345678901234567890}}', 'invalid'],
  ['one more than is safe', '{"id":"c1","event":"feed:ack","data":{"seq":9007199254740993}}', 'invalid'],
  ['a number that is negative', '{"id":"c1","event":"feed:resume","data":{"since":-1}}', 'invalid'],
  ['a fraction', '{"id":"c1","event":"feed:resume","data":{"since":0.5}}', 'invalid'],
  ['a number as text', '{"id":"c1","event":"feed:ack","data":{"seq":"1"}}', 'invalid'],
  ['a wrong type', '{"id":"c1","event":"customer:subscribe:ride","data":{"rideId":{"$ne":""}}}', 'invalid'],
  ['a token that is none', '{"id":"c1","event":"auth:refresh","data":{"token":"x.y.z"}}', 'token_refused'],
]

describe('a text that is no command', () => {
  it.each(MALFORMED)('%s', async (_, payload, re) => {
    const raw = await attacked.attacker()
    raw.send(clientFrame({ payload }))
    expect(await raw.text((frame) => frame.re !== undefined)).toMatchObject({
      re,
      ok: false,
      error: { code: 'malformed', retry: false },
    })
    await raw.sent()
    raw.end()
  })

  it.each(REFUSED)('of this protocol, and refused: %s', async (_, payload, code) => {
    const raw = await attacked.attacker()
    raw.send(clientFrame({ payload }))
    const reply = await raw.text((frame) => frame.re !== undefined)
    expect(reply).toMatchObject({ re: 'c1', ok: false, error: { code, retry: false } })
    await raw.sent()
    raw.end()
  })

  it('is told four times, and the fifth closes the connection', async () => {
    const raw = await attacked.attacker()
    for (let n = 1; n <= 4; n += 1) raw.send(clientFrame({ payload: 'x' }))
    await raw.sent()
    raw.send(clientFrame({ payload: 'x' }))
    expect(await raw.closeCode()).toBe(4400)
    expect(raw.frames.filter(({ payload }) => payload.includes('"malformed"'))).toHaveLength(5)
    raw.end()
  })

  it('renews no token of another user, of another kind, or one that is over', async () => {
    const raw = await attacked.attacker('renewer')
    const past = Math.floor(Date.now() / 1_000) - 10
    const tokens = [
      attacked.token('somebody'),
      attacked.token('renewer', { user_type: 'driver' }),
      attacked.token('renewer', { exp: past }),
      attacked.token('renewer', {}, 'another-secret-of-32-characters-or-more'),
    ]
    for (const [n, token] of tokens.entries()) {
      raw.send(
        clientFrame({ payload: JSON.stringify({ id: `t${n}`, event: 'auth:refresh', data: { token } }) }),
      )
      const reply = await raw.text(({ re }) => re === `t${n}`)
      expect(reply).toMatchObject({
        ok: false,
        error: { code: n < 2 ? 'token_of_another' : 'token_refused' },
      })
      expect(JSON.stringify(reply)).not.toContain(token)
    }
    raw.end()
  })
})
