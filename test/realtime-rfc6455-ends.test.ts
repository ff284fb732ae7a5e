import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { Attacked } from './support/attacked.ts'
import { clientFrame, closeFrame, fragments, OPCODE } from './support/raw-frames.ts'

const { continuation, binary, close, ping, pong } = OPCODE
/** Two, three and four bytes a character. */
const TEXT = 'ß€𝄞'

let attacked: Attacked

beforeAll(async () => {
  attacked = await Attacked.open('realtime-rfc6455-ends')
})

afterEach(() => attacked?.isWell())

afterAll(() => attacked?.close())

describe('5.5.1 and 7 the closing handshake', () => {
  it.each([1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999])(
    '7.4 a close with %i is answered with the same, and the server ends the connection (7.1.1)',
    async (code) => {
      const raw = await attacked.attacker()
      raw.send(closeFrame(code, TEXT))
      expect(await raw.closeCode()).toBe(code)
      await raw.closed
    },
  )

  it('5.5.1 one without a code is answered without one', async () => {
    const raw = await attacked.attacker()
    raw.send(closeFrame())
    expect(await raw.closeCode()).toBe(1005)
    await raw.closed
  })

  it('5.5.1 with a reason of 123 bytes; data and pings after it are nothing', async () => {
    const raw = await attacked.attacker()
    raw.send(
      closeFrame(1000, 'r'.repeat(123)),
      clientFrame({ opcode: ping, payload: 'late' }),
      closeFrame(1001),
    )
    expect(await raw.closeCode()).toBe(1000)
    await raw.closed
    expect(raw.frames.filter(({ opcode }) => opcode === close)).toHaveLength(1)
    expect(raw.frames.filter(({ opcode }) => opcode === pong)).toEqual([])
  })

  it('5.4 in the middle of a fragmented message', async () => {
    expect(await attacked.codeAfter(clientFrame({ fin: false, payload: 'x' }), closeFrame(1000))).toBe(1000)
  })

  it.each([0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535])(
    '7.4 not with %i',
    async (code) => {
      expect(await attacked.codeAfter(closeFrame(code))).toBe(1002)
    },
  )

  it('5.5.1 not with one byte, nor with a reason that is no UTF-8', async () => {
    expect(await attacked.codeAfter(clientFrame({ opcode: close, payload: 'x' }))).toBe(1002)
    expect(
      await attacked.codeAfter(
        closeFrame(1000, Buffer.from([0xce, 0xba, 0xe1, 0xbd, 0xb9, 0xed, 0xa0, 0x80])),
      ),
    ).toBe(1007)
  })
})

describe('8.1 UTF-8', () => {
  it.each(Array.from({ length: Buffer.byteLength(TEXT) - 1 }, (_, n) => n + 1))(
    'is split over fragments after byte %i',
    async (bytes) => {
      const text = Buffer.from(TEXT)
      const frames = [
        clientFrame({ payload: text.subarray(0, bytes), fin: false }),
        clientFrame({ opcode: continuation, payload: text.subarray(bytes) }),
      ]
      expect(await attacked.taken(...frames)).toBe(1)
    },
  )

  it.each([
    ['the first and the last of each length', '\u0000\u007f\u0080\u07ff\u0800\uffff\u{10000}\u{10ffff}'],
    ['noncharacters', '\ufdd0\ufffe\uffff\u{1fffe}'],
    ['on both sides of the surrogates', '\ud7ff\ue000'],
    ['a byte order mark', '\ufeff{}'],
  ])('is taken: %s', async (_, payload) => {
    expect(await attacked.taken(clientFrame({ payload }))).toBe(1)
  })

  it.each([
    ['continuation bytes alone', [0x80, 0xbf]],
    ['a start without its continuation', [0xc2, 0x20]],
    ['cut at the end', [0xf0, 0x9d, 0x84]],
    ['overlong: / in two bytes', [0xc0, 0xaf]],
    ['overlong: NUL in three bytes', [0xe0, 0x80, 0x80]],
    ['overlong: in four bytes', [0xf0, 0x8f, 0xbf, 0xbf]],
    ['a surrogate', [0xed, 0xbf, 0xbf]],
    ['above U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
    ['five bytes', [0xf8, 0x88, 0x80, 0x80, 0x80]],
    ['FE and FF', [0xfe, 0xff]],
  ])('fails the connection with 1007: %s', async (_, bytes) => {
    const payload = Buffer.concat([Buffer.from(TEXT), Buffer.from(bytes)])
    expect(await attacked.codeAfter(clientFrame({ payload }))).toBe(1007)
    expect(await attacked.codeAfter(...fragments(payload, 3))).toBe(1007)
  })

  it('is not asked of binary data', async () => {
    expect(await attacked.taken(clientFrame({ opcode: binary, payload: Buffer.from([0xff, 0xfe]) }))).toBe(1)
  })
})
