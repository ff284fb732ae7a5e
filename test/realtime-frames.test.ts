import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { Attacked } from './support/attacked.ts'
import { propertyRuns } from './support/property-runs.ts'
import { clientFrame, closeFrame, fragments, OPCODE } from './support/raw-frames.ts'

let attacked: Attacked

beforeAll(async () => {
  attacked = await Attacked.open('realtime-frames')
})

afterEach(() => attacked?.isWell())

afterAll(() => attacked?.close())

const { continuation, binary, ping, pong, close } = OPCODE
const MAX_BYTES = 16 * 1024
const COMMAND = '{"event":"ping","data":{}}'

/** What is sent, and the code that it is closed with. */
const BROKEN: readonly (readonly [string, readonly Buffer[], number])[] = [
  ['a byte that is never UTF-8', [clientFrame({ payload: Buffer.from([0x7b, 0xff, 0x7d]) })], 1007],
  ['half a character at the end', [clientFrame({ payload: Buffer.from([0xe2, 0x82]) })], 1007],
  ['a surrogate as UTF-8', [clientFrame({ payload: Buffer.from([0xed, 0xa0, 0x80]) })], 1007],
  ['a character in too many bytes', [clientFrame({ payload: Buffer.from([0xc0, 0xaf]) })], 1007],
  ['beyond the last character', [clientFrame({ payload: Buffer.from([0xf4, 0x90, 0x80, 0x80]) })], 1007],
  ['broken UTF-8 over fragments', fragments(Buffer.from([0xe2, 0x82, 0x41]), 1), 1007],
  ['no mask', [clientFrame({ payload: COMMAND, masked: false })], 1002],
  ['an unmasked ping', [clientFrame({ opcode: ping, masked: false })], 1002],
  ['RSV1: compressed, though nobody agreed to', [clientFrame({ payload: COMMAND, reserved: 4 })], 1002],
  ['RSV2', [clientFrame({ payload: COMMAND, reserved: 2 })], 1002],
  ['RSV3', [clientFrame({ payload: COMMAND, reserved: 1 })], 1002],
  ['RSV1 on a ping', [clientFrame({ opcode: ping, reserved: 4 })], 1002],
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map(
    (opcode) => [`the unknown opcode ${opcode}`, [clientFrame({ opcode, payload: 'x' })], 1002] as const,
  ),
  ['a ping of 126 bytes', [clientFrame({ opcode: ping, payload: 'p'.repeat(126) })], 1002],
  ['a pong of 126 bytes', [clientFrame({ opcode: pong, payload: 'p'.repeat(126) })], 1002],
  ['a close of 126 bytes', [closeFrame(1000, 'r'.repeat(124))], 1002],
  ['a fragmented ping', [clientFrame({ opcode: ping, fin: false })], 1002],
  ['a fragmented close', [clientFrame({ opcode: close, fin: false })], 1002],
  ['a continuation of nothing', [clientFrame({ opcode: continuation, payload: COMMAND })], 1002],
  ['a continuation of nothing that goes on', [clientFrame({ opcode: continuation, fin: false })], 1002],
  ['a message in the middle of another', [clientFrame({ fin: false }), clientFrame()], 1002],
  [
    'a binary message in the middle of a text',
    [clientFrame({ fin: false }), clientFrame({ opcode: binary })],
    1002,
  ],
  [
    'a length of one byte too many, and nothing of it',
    [clientFrame({ declaredLength: MAX_BYTES + 1 })],
    1009,
  ],
  ['a length of a gigabyte', [clientFrame({ declaredLength: 2 ** 30 })], 1009],
  ['a length of 2^53', [clientFrame({ declaredLength: 2n ** 53n })], 1009],
  ['a length with the highest bit', [clientFrame({ declaredLength: 2n ** 63n })], 1009],
  ['a message of one byte too many', [clientFrame({ payload: 'x'.repeat(MAX_BYTES + 1) })], 1009],
  ['fragments of one byte too many', fragments('x'.repeat(MAX_BYTES + 1), 1_000), 1009],
  ['thousands of tiny fragments', fragments('x'.repeat(4_000), 1), 1008],
  [
    'thousands of empty fragments',
    Array.from({ length: 4_000 }, (_, n) => clientFrame({ fin: false, opcode: n === 0 ? 1 : continuation })),
    1008,
  ],
  ['a close of one byte', [clientFrame({ opcode: close, payload: 'x' })], 1002],
  ...[0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535].map(
    (code) => [`a close with the code ${code}`, [closeFrame(code)], 1002] as const,
  ),
  ['a close whose reason is no UTF-8', [closeFrame(1000, Buffer.from([0xff]))], 1007],
  ['HTTP', [Buffer.from('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')], 1002],
  ['TLS', [Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3])], 1002],
  ['zeros', [Buffer.alloc(64)], 1002],
]

describe('a frame that is none', () => {
  it.each(BROKEN)('%s', async (_, frames, code) => {
    expect(await attacked.codeAfter(...frames)).toBe(code)
  })

  it('whatever its bytes are, costs nobody but its sender', async () => {
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 400 }).map(Buffer.from)
    const frame = fc
      .record({
        opcode: fc.nat(15),
        fin: fc.boolean(),
        reserved: fc.constantFrom(0, 0, 0, 0, 4),
        masked: fc.constantFrom(true, true, true, false),
        payload: fc.uint8Array({ maxLength: 130 }).map(Buffer.from),
      })
      .map(clientFrame)
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(bytes, frame), { minLength: 1, maxLength: 10 }), async (parts) => {
        const raw = await attacked.attacker()
        raw.send(...parts)
        raw.socket.end()
        expect([1000, 1002, 1005, 1006, 1007, 1008, 1009, 4400]).toContain(await raw.closeCode())
        await raw.closed
      }),
      propertyRuns(60),
    )
  })
})

describe('too much', () => {
  it.each([
    ['pings in one packet', { opcode: ping }],
    ['messages in one packet', { payload: COMMAND }],
    ['pongs that nobody asked for', { opcode: pong }],
  ])('%s', async (_, shape) => {
    const raw = await attacked.attacker()
    raw.send(...Array.from({ length: 200 }, () => clientFrame(shape)))
    expect(await raw.closeCode()).toBe(4429)
    raw.end()
  })

  it('a burst after a tunnel is not', async () => {
    const raw = await attacked.attacker()
    raw.send(...Array.from({ length: 90 }, (_, n) => clientFrame({ opcode: ping, payload: `p${n}` })))
    await raw.pong('p89')
    raw.end()
  })

  it('pings of a client that does not read its pongs', async () => {
    const raw = await attacked.attacker()
    raw.socket.pause()
    const flood = Buffer.concat(
      Array.from({ length: 500 }, () => clientFrame({ opcode: ping, payload: 'x'.repeat(125) })),
    )
    for (let n = 0; n < 40; n += 1) raw.socket.write(flood)
    await expect.poll(() => attacked.connections(), { timeout: 15_000 }).toBe(1)
    raw.end()
  })

  it('binary frames: told five times, and closed', async () => {
    const raw = await attacked.attacker()
    const frame = clientFrame({ opcode: binary, payload: COMMAND })
    for (let n = 1; n <= 4; n += 1) raw.send(frame)
    const refusal = await raw.text(({ re }) => re === null)
    expect(refusal).toMatchObject({ re: null, ok: false, error: { code: 'malformed', retry: false } })
    await raw.sent()
    raw.send(frame)
    expect(await raw.closeCode()).toBe(4400)
    raw.end()
  })
})

describe('a client that is half there', () => {
  it('has only finished sending', async () => {
    const raw = await attacked.attacker()
    raw.socket.end()
    await raw.closed
  })

  it('resets in the middle of a frame', async () => {
    const raw = await attacked.attacker()
    raw.send(clientFrame({ payload: 'x'.repeat(1_000) }).subarray(0, 500))
    raw.socket.resetAndDestroy()
    await raw.closed
  })

  it('ends in the middle of a header', async () => {
    const raw = await attacked.attacker()
    raw.send(clientFrame({ payload: 'x'.repeat(1_000) }).subarray(0, 3))
    raw.socket.end()
    await raw.closed
  })

  it('sends a frame byte by byte', async () => {
    const raw = await attacked.attacker()
    for (const byte of clientFrame({ opcode: ping, payload: 'trickled' })) {
      await new Promise<void>((resolve) => raw.socket.write(Buffer.from([byte]), () => resolve()))
      await new Promise((resolve) => setImmediate(resolve))
    }
    await raw.pong('trickled')
    raw.end()
  })

  it('goes on after its close frame', async () => {
    const raw = await attacked.attacker()
    raw.send(closeFrame(1000), ...Array.from({ length: 500 }, () => clientFrame({ payload: COMMAND })))
    expect(await raw.closeCode()).toBe(1000)
    await raw.closed
  })

  it('says goodbye while its commands wait, and is let go before whoever says nothing', async () => {
    const [mute, polite] = [await attacked.attacker('mute'), await attacked.attacker('polite')]
    for (const raw of [mute, polite]) {
      raw.send(...Array.from({ length: 60 }, () => clientFrame({ payload: 'no command' })))
      expect(await raw.closeCode()).toBe(4400)
    }
    polite.send(closeFrame(4400))
    expect(await Promise.race([mute, polite].map((raw) => raw.closed.then(() => raw)))).toBe(polite)
    mute.end()
  })

  it('never answers a close', async () => {
    const raw = await attacked.attacker()
    raw.send(...Array.from({ length: 200 }, () => clientFrame({ opcode: ping })))
    expect(await raw.closeCode()).toBe(4429)
    // No reply, and no end: the server's own patience ends it.
    await raw.closed
  })
})
