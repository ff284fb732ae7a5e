import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'

/**
 * How a server talks. plain: WebSocket; greeted with the answer to the upgrade. ready: WebSocket; greeted with the first
 * message. socket.io: engine.io 4 over WebSocket, with the token in the CONNECT packet; greeted with the answer to that.
 */
export type Dialect = 'plain' | 'ready' | 'socket.io'

export interface SocketShape {
  readonly port: number
  readonly dialect: Dialect
  readonly token: string
  /** Of the loopback network, so that every socket may come from an address of its own. */
  readonly localAddress: string
  /** The last number that the client has seen, for the dialect `ready`. */
  readonly since?: number
}

export interface SocketEvents {
  onGreeted(): void
  /** So many messages came, after the greeting. */
  onMessages(count: number): void
  /** Every message, the greeting too; without it messages are only counted. The bytes are overwritten afterwards. */
  onMessage?: ((payload: Buffer) => void) | undefined
  /** The close code, or null where there was no close frame; `refusal` is an HTTP status line that was no 101. */
  onClosed(code: number | null, refusal: string | null): void
}

const PONG = clientFrame(0x1, '3')
const CLOSE = clientFrame(0x8, '\x03\xe8')
const TEXT = 0x1
const BINARY = 0x2
const CONTROL = 0x8
const PING = 0x9
/** All sockets of the process read into this one: a callback is done with it before the next is called. */
const shared = Buffer.allocUnsafe(256 * 1024)

/**
 * A client's socket that does as little as can be, since it shares the machine with what it measures: it reads frames by
 * their lengths, counts them, answers pings, and looks into a message only until it is greeted or where it was asked to.
 */
export class FrameSocket {
  readonly #shape: SocketShape
  readonly #events: SocketEvents
  readonly #socket: Socket
  #phase: 'upgrading' | 'greeting' | 'open' = 'upgrading'
  /** What is left of a message that is not looked into. */
  #skip = 0
  #rest: Buffer | null = null
  #code: number | null = null
  #refusal: string | null = null
  #isReading = true

  constructor(shape: SocketShape, events: SocketEvents) {
    this.#shape = shape
    this.#events = events
    this.#socket = connect({
      port: shape.port,
      host: '127.0.0.1',
      localAddress: shape.localAddress,
      noDelay: true,
      onread: { buffer: shared, callback: (length, buffer) => this.#onRead(length, buffer as Buffer) },
    })
    this.#socket.on('connect', () => this.#socket.write(upgradeRequest(shape)))
    this.#socket.on('error', () => undefined)
    this.#socket.on('close', () => events.onClosed(this.#code, this.#refusal))
  }

  /** Takes nothing from the kernel any more, whatever the server sends. */
  stopReading(): void {
    this.#isReading = false
    this.#socket.pause()
  }

  readOn(): void {
    this.#isReading = true
    this.#socket.resume()
  }

  /** Sends a text message. */
  send(text: string): void {
    this.#socket.write(clientFrame(TEXT, text))
  }

  /** Says goodbye by a close frame and waits for nothing. */
  close(): void {
    this.#socket.end(CLOSE)
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #onRead(length: number, buffer: Buffer): boolean {
    let bytes = buffer
    let end = length
    if (this.#rest !== null) {
      bytes = Buffer.concat([this.#rest, buffer.subarray(0, length)])
      end = bytes.length
      this.#rest = null
    }
    const at = this.#phase === 'upgrading' ? this.#readAnswer(bytes, end) : 0
    this.#readFrames(bytes, at, end)
    return this.#isReading
  }

  /** Returns where the frames begin. */
  #readAnswer(bytes: Buffer, end: number): number {
    const text = bytes.toString('latin1', 0, end)
    const headEnd = text.indexOf('\r\n\r\n')
    if (headEnd === -1) {
      this.#keep(bytes, 0, end)
      return end
    }
    if (!text.startsWith('HTTP/1.1 101')) {
      this.#refusal = text.slice(0, text.indexOf('\r\n'))
      this.#socket.destroy()
      return end
    }
    this.#phase = 'greeting'
    if (this.#shape.dialect === 'plain') this.#greet()
    return headEnd + 4
  }

  #readFrames(bytes: Buffer, start: number, end: number): void {
    let at = start
    let count = 0
    while (at < end) {
      if (this.#skip > 0) {
        const step = Math.min(this.#skip, end - at)
        this.#skip -= step
        at += step
        continue
      }
      const next = this.#readFrame(bytes, at, end)
      if (next === null) {
        this.#keep(bytes, at, end)
        break
      }
      if (next.isMessage) count += 1
      at = next.at
    }
    if (count > 0) this.#events.onMessages(count)
  }

  /** Returns where the next frame begins, if all that is needed of this one is here. */
  #readFrame(bytes: Buffer, at: number, end: number): { at: number; isMessage: boolean } | null {
    if (end - at < 2) return null
    const opcode = (bytes[at] ?? 0) & 0x0f
    const short = (bytes[at + 1] ?? 0) & 0x7f
    const head = short < 126 ? 2 : short === 126 ? 4 : 10
    if (end - at < head) return null
    const length =
      short < 126 ? short : short === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2))
    const isWhole = end - at >= head + length
    const isMessage = opcode < CONTROL && this.#phase === 'open' && length > 1
    const from = at + head
    if (isMessage && this.#events.onMessage === undefined) {
      if (!isWhole) this.#skip = from + length - end
      return { at: isWhole ? from + length : end, isMessage }
    }
    if (!isWhole) return null
    this.#look(opcode, bytes.subarray(from, from + length))
    return { at: from + length, isMessage }
  }

  #look(opcode: number, payload: Buffer): void {
    if (opcode === PING) this.#socket.write(clientFrame(0xa, payload.toString('latin1')))
    else if (opcode === CONTROL) this.#code = payload.length < 2 ? null : payload.readUInt16BE(0)
    else if (opcode === TEXT || opcode === BINARY) this.#hear(payload)
  }

  #hear(payload: Buffer): void {
    if (payload.length === 1) {
      this.#socket.write(PONG)
      return
    }
    if (this.#phase === 'greeting') {
      if (this.#shape.dialect === 'ready') this.#greet()
      // 0: engine.io's opening, to be answered with socket.io's CONNECT; 40: that is accepted.
      else if (payload[0] === 0x30)
        this.#socket.write(clientFrame(TEXT, `40${JSON.stringify({ token: this.#shape.token })}`))
      else if (payload[1] === 0x30) this.#greet()
      else this.#refusal = payload.toString()
    }
    this.#events.onMessage?.(payload)
  }

  #greet(): void {
    this.#phase = 'open'
    this.#events.onGreeted()
  }

  #keep(bytes: Buffer, at: number, end: number): void {
    this.#rest = Buffer.from(bytes.subarray(at, end))
  }
}

function upgradeRequest({ dialect, token, since }: SocketShape): string {
  const resume = since === undefined ? '' : `&since=${since}`
  const path = {
    plain: '/',
    ready: `/?token=${token}${resume}`,
    'socket.io': '/socket.io/?EIO=4&transport=websocket',
  }[dialect]
  return [
    `GET ${path} HTTP/1.1`,
    'host: 127.0.0.1',
    'connection: Upgrade',
    'upgrade: websocket',
    'sec-websocket-version: 13',
    `sec-websocket-key: ${randomBytes(16).toString('base64')}`,
    '\r\n',
  ].join('\r\n')
}

/** A whole frame as clients send it, masked with zeros. */
function clientFrame(opcode: number, latin1: string): Buffer {
  const payload = Buffer.from(latin1, 'latin1')
  const head =
    payload.length < 126
      ? Buffer.from([0x80 | opcode, 0x80 | payload.length])
      : Buffer.from([0x80 | opcode, 0x80 | 126, payload.length >> 8, payload.length & 0xff])
  return Buffer.concat([head, Buffer.alloc(4), payload])
}
