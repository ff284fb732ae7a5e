import { randomBytes } from 'node:crypto'

/** The opcodes of RFC 6455 5.2. */
export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

export interface FrameShape {
  readonly opcode?: number
  readonly payload?: string | Buffer
  /** False: more fragments follow. */
  readonly fin?: boolean
  /** RSV1, RSV2 and RSV3 as 4, 2 and 1. */
  readonly reserved?: number
  /** False: as a server sends it, and no client may. */
  readonly masked?: boolean
  /** What the header says of the length, whatever follows. */
  readonly declaredLength?: number | bigint
  /** How many bits the length is told in; by default the fewest. */
  readonly lengthBits?: 7 | 16 | 64
}

/** A client's frame by RFC 6455 5.2, without the library that reads it; by default a whole text, masked. */
export function clientFrame(shape: FrameShape = {}): Buffer {
  const { opcode = OPCODE.text, fin = true, reserved = 0, masked = true } = shape
  const payload = Buffer.from(shape.payload ?? '')
  const first = (fin ? 0x80 : 0) | (reserved << 4) | opcode
  const length = lengthField(shape.declaredLength ?? payload.length, shape.lengthBits)
  if (!masked) return Buffer.concat([Buffer.from([first]), length, payload])
  length[0] = (length[0] ?? 0) | 0x80
  const mask = randomBytes(4)
  const covered = payload.map((byte, index) => byte ^ (mask[index % 4] ?? 0))
  return Buffer.concat([Buffer.from([first]), length, mask, covered])
}

function lengthField(length: number | bigint, bits: FrameShape['lengthBits'] = fewestBits(length)): Buffer {
  if (bits === 7) return Buffer.from([Number(length)])
  const field = Buffer.alloc(bits === 16 ? 3 : 9)
  field[0] = bits === 16 ? 126 : 127
  if (bits === 16) field.writeUInt16BE(Number(length), 1)
  else field.writeBigUInt64BE(BigInt(length), 1)
  return field
}

function fewestBits(length: number | bigint): 7 | 16 | 64 {
  if (length <= 125) return 7
  return length <= 0xffff ? 16 : 64
}

/** A close frame; `reason` may be no UTF-8. Without a code it is empty. */
export function closeFrame(code?: number, reason: string | Buffer = ''): Buffer {
  if (code === undefined) return clientFrame({ opcode: OPCODE.close })
  const start = Buffer.alloc(2)
  start.writeUInt16BE(code)
  return clientFrame({ opcode: OPCODE.close, payload: Buffer.concat([start, Buffer.from(reason)]) })
}

/** A message in pieces of at most so many bytes. */
export function fragments(payload: string | Buffer, bytes: number, opcode: number = OPCODE.text): Buffer[] {
  const whole = Buffer.from(payload)
  const count = Math.max(Math.ceil(whole.length / bytes), 1)
  return Array.from({ length: count }, (_, index) =>
    clientFrame({
      opcode: index === 0 ? opcode : OPCODE.continuation,
      payload: whole.subarray(index * bytes, (index + 1) * bytes),
      fin: index === count - 1,
    }),
  )
}

/** A frame of the server. */
export interface ServerFrame {
  readonly fin: boolean
  readonly reserved: number
  readonly opcode: number
  readonly masked: boolean
  readonly payload: Buffer
}

/** The first frame of these bytes; null: it is not whole. */
export function takeServerFrame(bytes: Buffer): { frame: ServerFrame; rest: Buffer } | null {
  const [first, second] = bytes
  if (first === undefined || second === undefined) return null
  const short = second & 0x7f
  const start = short === 126 ? 4 : short === 127 ? 10 : 2
  if (bytes.length < start) return null
  const length = start === 4 ? bytes.readUInt16BE(2) : start === 10 ? Number(bytes.readBigUInt64BE(2)) : short
  if (bytes.length < start + length) return null
  const frame = {
    fin: (first & 0x80) !== 0,
    reserved: (first >> 4) & 7,
    opcode: first & 0x0f,
    masked: (second & 0x80) !== 0,
    payload: bytes.subarray(start, start + length),
  }
  return { frame, rest: bytes.subarray(start + length) }
}
