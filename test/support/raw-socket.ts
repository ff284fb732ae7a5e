import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { clientFrame, OPCODE, type ServerFrame, takeServerFrame } from './raw-frames.ts'
import { type RawAnswer, RawConnection } from './raw-http.ts'
import type { Frame } from './socket.ts'

/** RFC 6455 1.3. */
const ACCEPT_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/** The request that opens a WebSocket. `lines` come beside the usual headers; one with a usual name takes its place. */
export function upgradeRequest(target: string, lines: readonly string[] = [], key = newKey()): string {
  const names = new Set(lines.map((line) => line.slice(0, line.indexOf(':')).toLowerCase()))
  const usual = [
    'host: 127.0.0.1',
    'connection: Upgrade',
    'upgrade: websocket',
    'sec-websocket-version: 13',
    `sec-websocket-key: ${key}`,
  ].filter((line) => !names.has(line.slice(0, line.indexOf(':'))))
  return [`GET ${target} HTTP/1.1`, ...usual, ...lines, '', ''].join('\r\n')
}

export function newKey(): string {
  return randomBytes(16).toString('base64')
}

/** A WebSocket client that sends whatever bytes it is given, and reads what a server sends by the letter. */
export class RawSocket {
  readonly socket: Socket
  readonly frames: ServerFrame[] = []
  /** The status line and headers of the answer to the handshake. */
  head = ''
  /** Resolves when the connection is over, whoever ended it. */
  readonly closed: Promise<void>
  readonly #key = newKey()
  #bytes: Buffer = Buffer.alloc(0)
  #isClosed = false
  #waiting: (() => void)[] = []

  private constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true })
    this.socket.on('data', (chunk) => this.#read(chunk))
    // A reset is an end like any other here.
    this.socket.on('error', () => undefined)
    this.closed = new Promise((resolve) => {
      this.socket.on('close', () => {
        this.#isClosed = true
        this.#wake()
        resolve()
      })
    })
  }

  /** Sends the handshake, and in the same packet what comes `together` with it. Does not wait for the answer. */
  static async begin(
    port: number,
    target: string,
    lines: readonly string[] = [],
    together: Buffer = Buffer.alloc(0),
  ): Promise<RawSocket> {
    const raw = new RawSocket(port)
    await once(raw.socket, 'connect')
    raw.socket.write(Buffer.concat([Buffer.from(upgradeRequest(target, lines, raw.#key)), together]))
    return raw
  }

  /** An open and greeted socket. */
  static async open(port: number, target: string, lines: readonly string[] = []): Promise<RawSocket> {
    const raw = await RawSocket.begin(port, target, lines)
    await raw.event('ready')
    if (
      !raw.head.startsWith('HTTP/1.1 101 ') ||
      !raw.head.includes(`Sec-WebSocket-Accept: ${raw.accept}\r\n`)
    )
      throw new Error(`not what RFC 6455 4.2.2 asks for: ${raw.head}`)
    return raw
  }

  /** What the server has to answer to the key. */
  get accept(): string {
    return createHash('sha1')
      .update(this.#key + ACCEPT_GUID)
      .digest('base64')
  }

  send(...parts: readonly (string | Buffer)[]): void {
    this.socket.write(Buffer.concat(parts.map((part) => Buffer.from(part))))
  }

  /** Sends frames; resolves when a ping that was sent after them is answered, so that they have all been read. */
  async sent(...frames: readonly Buffer[]): Promise<void> {
    const payload = `after ${this.frames.length}`
    this.send(...frames, clientFrame({ opcode: OPCODE.ping, payload }))
    await this.pong(payload)
  }

  /** The first frame from `from` on that fits; waits for it. Rejects when the connection ends before it comes. */
  async until(fits: (frame: ServerFrame) => boolean, from = 0): Promise<ServerFrame> {
    for (;;) {
      const found = this.frames.slice(from).find(fits)
      if (found !== undefined) return found
      if (this.#isClosed)
        throw new Error(`over, after ${this.head.slice(0, 200)} and ${this.frames.length} frames`)
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  /** The first text that fits. */
  async text(fits: (frame: Frame) => boolean, from = 0): Promise<Frame> {
    const isIt = ({ opcode, payload }: ServerFrame) => opcode === OPCODE.text && fits(parse(payload))
    return parse((await this.until(isIt, from)).payload)
  }

  event(name: string): Promise<Frame> {
    return this.text(({ event }) => event === name)
  }

  pong(payload: string): Promise<ServerFrame> {
    return this.until((frame) => frame.opcode === OPCODE.pong && String(frame.payload) === payload)
  }

  /** The code of the server's close frame, 1005 if it has none, 1006 if the connection ends without one. */
  async closeCode(): Promise<number> {
    const frame = await this.until(({ opcode }) => opcode === OPCODE.close).catch(() => null)
    if (frame === null) return 1006
    return frame.payload.length < 2 ? 1005 : frame.payload.readUInt16BE(0)
  }

  end(): void {
    this.socket.destroy()
  }

  #read(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk])
    if (this.head === '') {
      const end = this.#bytes.indexOf('\r\n\r\n')
      if (end === -1) return
      this.head = this.#bytes.subarray(0, end + 4).toString('latin1')
      this.#bytes = this.#bytes.subarray(end + 4)
    }
    for (let taken = takeServerFrame(this.#bytes); taken !== null; taken = takeServerFrame(this.#bytes)) {
      this.frames.push(taken.frame)
      this.#bytes = taken.rest
    }
    this.#wake()
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}

function parse(payload: Buffer): Frame {
  return JSON.parse(payload.toString())
}

/** The answer to a handshake that is refused; after it the connection is over. */
export async function refusal(
  port: number,
  target: string,
  lines: readonly string[] = [],
): Promise<RawAnswer> {
  const connection = await RawConnection.open(port)
  connection.send(upgradeRequest(target, lines))
  const answer = await connection.answer()
  await connection.closed
  return answer
}

/** Status and code of a refusal. */
export function outcomeOf({ status, body }: RawAnswer): string {
  return `${status} ${JSON.parse(body).code}`
}
