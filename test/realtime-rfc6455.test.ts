import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { Attacked } from './support/attacked.ts'
import { clientFrame, type FrameShape, fragments, OPCODE } from './support/raw-frames.ts'
import { RawSocket, refusal } from './support/raw-socket.ts'

const { continuation, binary, ping, pong } = OPCODE
/** Ours; the RFC sets none. */
const MAX_BYTES = 16 * 1024
/** Two, three and four bytes a character. */
const TEXT = 'ß€𝄞'

let attacked: Attacked

beforeAll(async () => {
  attacked = await Attacked.open('realtime-rfc6455')
})

afterEach(() => attacked?.isWell())

afterAll(() => attacked?.close())

describe('4.2 the opening handshake', () => {
  const target = () => `/?token=${attacked.token('shaker')}`

  it.each([
    ['4.2.1 names of headers and tokens in any case', ['UPGRADE: WebSocket', 'CONNECTION: upgrade'], 101],
    ['4.2.1 Connection as a list', ['connection: keep-alive, Upgrade'], 101],
    [
      '9.1 extensions that nobody knows are declined by not being named',
      ['sec-websocket-extensions: x-unknown; a=1'],
      101,
    ],
    ['4.2.1 without Sec-WebSocket-Key', ['sec-websocket-key:'], 400],
    ['4.2.1 a key that is no 16 bytes', ['sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAAAA'], 400],
    ['4.4 another version', ['sec-websocket-version: 7'], 426],
    ['4.2.1 an empty Host', ['host:'], 101],
  ])('%s', async (_, lines, status) => {
    if (status !== 101) return expect((await refusal(attacked.app.port, target(), lines)).status).toBe(status)
    const raw = await RawSocket.open(attacked.app.port, target(), lines)
    expect(raw.head).toMatch(/^upgrade: websocket\r$/im)
    expect(raw.head).toMatch(/^connection: upgrade\r$/im)
    expect(raw.head).not.toMatch(/^sec-websocket-(extensions|protocol)/im)
    raw.end()
  })
})

describe('5.1 to 5.3 frames and masks', () => {
  it('5.1 a server masks nothing, and uses no reserved bit', async () => {
    const raw = await attacked.attacker()
    await raw.sent(clientFrame({ opcode: binary }))
    for (const { masked, reserved, fin } of raw.frames)
      expect({ masked, reserved, fin }).toEqual({ masked: false, reserved: 0, fin: true })
    raw.end()
  })

  it.each([0, 1, 124, 125, 126, 127, 128, 255, 256, MAX_BYTES - 1, MAX_BYTES])(
    '5.2 a text of %i bytes',
    async (bytes) => {
      expect(await attacked.taken(clientFrame({ payload: 'x'.repeat(bytes) }))).toBe(1)
    },
  )

  it.each([MAX_BYTES + 1, 65_535, 65_536])(
    '10.4 a text of %i bytes is above our limit: 1009',
    async (bytes) => {
      expect(await attacked.codeAfter(clientFrame({ payload: 'x'.repeat(bytes) }))).toBe(1009)
    },
  )

  it.each([
    ['5.2 in 16 bits what fits into 7', { payload: 'x', lengthBits: 16 }],
    ['5.2 in 64 bits what fits into 7', { payload: 'x', lengthBits: 64 }],
    ['5.2 in 64 bits what fits into 16', { payload: 'x'.repeat(300), lengthBits: 64 }],
  ] as const)(
    'a length told in more bits than it needs is read or refused, and never taken for another: %s',
    async (_, shape) => {
      const raw = await attacked.attacker()
      await raw.sent(clientFrame(shape))
      raw.end()
    },
  )

  it.each<[string, FrameShape]>([
    ['5.1 no mask', { masked: false }],
    ['5.2 RSV1 without an extension', { reserved: 4 }],
    ['5.2 RSV2', { reserved: 2 }],
    ['5.2 RSV3', { reserved: 1 }],
    ['5.2 a reserved opcode for data', { opcode: 3 }],
    ['5.2 a reserved opcode for control', { opcode: 11 }],
  ])('fails the connection: %s', async (_, shape) => {
    expect(await attacked.codeAfter(clientFrame(shape))).toBe(1002)
  })
})

describe('5.4 fragments', () => {
  it.each<[string, readonly Buffer[], number]>([
    ['a message in two', fragments('{"a":1}', 4), 1],
    ['a message in thirty', fragments('x'.repeat(30), 1), 1],
    [
      'with empty ones at both ends',
      [
        clientFrame({ fin: false }),
        clientFrame({ opcode: continuation, payload: 'x', fin: false }),
        clientFrame({ opcode: continuation }),
      ],
      1,
    ],
    ['nothing but empty ones', [clientFrame({ fin: false }), clientFrame({ opcode: continuation })], 1],
    ['one message after the other', [...fragments('one', 1), ...fragments('two', 1)], 2],
    ['a binary message', fragments('binary', 2, binary), 1],
  ])('%s', async (_, frames, messages) => {
    expect(await attacked.taken(...frames)).toBe(messages)
  })

  it('control frames come between them, and are answered before the message is whole', async () => {
    const raw = await attacked.attacker()
    const [first, ...rest] = fragments('{"event":"x"}', 5)
    if (first === undefined) throw new Error('no fragment')
    await raw.sent(first)
    for (const fragment of rest) await raw.sent(fragment, clientFrame({ opcode: pong }))
    raw.end()
  })

  it.each<[string, readonly Buffer[]]>([
    ['a continuation of nothing', [clientFrame({ opcode: continuation })]],
    ['a continuation after the end', [...fragments('xy', 1), clientFrame({ opcode: continuation })]],
    ['a new message before the end', [clientFrame({ fin: false }), clientFrame()]],
    [
      '5.5 a control frame in fragments',
      [clientFrame({ opcode: ping, fin: false }), clientFrame({ opcode: continuation })],
    ],
  ])('fails the connection: %s', async (_, frames) => {
    expect(await attacked.codeAfter(...frames)).toBe(1002)
  })
})

describe('5.5 control frames', () => {
  it.each(['', 'x', TEXT, 'x'.repeat(125), '\0\r\n'])(
    '5.5.2 a ping gets a pong with the same data: %j',
    async (payload) => {
      const raw = await attacked.attacker()
      raw.send(clientFrame({ opcode: ping, payload }))
      await raw.pong(payload)
      raw.end()
    },
  )

  it('5.5.3 pings in a row are answered in their order', async () => {
    const raw = await attacked.attacker()
    const names = Array.from({ length: 20 }, (_, n) => `p${n}`)
    await raw.sent(...names.map((payload) => clientFrame({ opcode: ping, payload })))
    const pongs = raw.frames.filter(({ opcode }) => opcode === pong).map(({ payload }) => String(payload))
    expect(pongs.slice(0, 20)).toEqual(names)
    raw.end()
  })

  it('5.5.3 a pong that nobody asked for is not answered', async () => {
    const raw = await attacked.attacker()
    await raw.sent(clientFrame({ opcode: pong, payload: 'unasked' }))
    expect(raw.frames.filter(({ payload }) => String(payload) === 'unasked')).toEqual([])
    raw.end()
  })

  it('5.5 more than 125 bytes fail the connection', async () => {
    expect(await attacked.codeAfter(clientFrame({ opcode: ping, payload: 'x'.repeat(126) }))).toBe(1002)
  })
})
