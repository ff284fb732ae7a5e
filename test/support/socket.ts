import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { type ClientOptions, WebSocket } from 'ws'
import { signToken } from './tokens.ts'

/** A frame of the server, as JSON. */
export type Frame = Readonly<Record<string, unknown>> & {
  readonly event?: string
  readonly seq?: number
  readonly re?: string | null
  readonly data?: Readonly<Record<string, unknown>>
}

export const JWT_SECRET = 'jwt-secret-of-the-tests-0f6e2b9a41c7'

export interface SocketOptions extends ClientOptions {
  /** Instead of a good token for the user. */
  readonly token?: string
  readonly since?: number
  readonly userType?: 'customer' | 'driver' | 'admin'
  readonly protocols?: readonly string[]
}

/** A client without a will of its own: it keeps what it hears, and waits for what it is told to. */
export class TestSocket {
  readonly frames: Frame[] = []
  readonly ws: WebSocket
  /** The close code and reason, once it is over. */
  readonly over: Promise<{ readonly code: number; readonly reason: string }>
  #waiting: (() => void)[] = []
  #isOver = false

  constructor(ws: WebSocket) {
    this.ws = ws
    ws.on('message', (data) => {
      this.frames.push(JSON.parse(String(data)))
      this.#wake()
    })
    ws.on('error', () => undefined)
    this.over = new Promise((resolve) =>
      ws.once('close', (code, reason) => resolve({ code, reason: String(reason) })),
    )
    void this.over.then(() => {
      this.#isOver = true
      this.#wake()
    })
  }

  /** The first frame from `from` on that fits; waits for it. Rejects when the connection ends before it comes. */
  async until(fits: (frame: Frame) => boolean, from = 0): Promise<Frame> {
    for (;;) {
      const found = this.frames.slice(from).find(fits)
      if (found !== undefined) return found
      if (this.#isOver) throw new Error(`over, after ${JSON.stringify(this.frames.slice(-5))}`)
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  event(name: string, from = 0): Promise<Frame> {
    return this.until(({ event }) => event === name, from)
  }

  seq(seq: number): Promise<Frame> {
    return this.until((frame) => frame.seq === seq)
  }

  /** The numbers of the feed that came, in their order. */
  get seqs(): number[] {
    return this.frames.flatMap(({ seq }) => (seq === undefined ? [] : [seq]))
  }

  send(frame: unknown): void {
    this.ws.send(typeof frame === 'string' || Buffer.isBuffer(frame) ? frame : JSON.stringify(frame))
  }

  /** Sends a command, and waits for its reply. */
  async ask(id: string, event: string, data: unknown = {}): Promise<Frame> {
    const from = this.frames.length
    this.send({ id, event, data })
    return this.until(({ re }) => re === id, from)
  }

  async close(): Promise<void> {
    this.ws.close()
    await this.over
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}

/** The address at which this user's socket opens. */
export function socketUrl(url: string, userId: string, options: SocketOptions = {}): string {
  const { userType = 'customer', since } = options
  const token =
    options.token ?? signToken({ secret: JWT_SECRET, claims: { sub: userId, user_type: userType } })
  const cursor = since === undefined ? '' : `&since=${since}`
  return `${url.replace(/^http/, 'ws')}/?token=${token}${cursor}`
}

/** A socket of this user, once it is open and greeted. */
export async function openSocket(
  url: string,
  userId: string,
  options: SocketOptions = {},
): Promise<TestSocket> {
  const { protocols = [], token: _token, since: _since, userType: _type, ...more } = options
  const socket = new TestSocket(new WebSocket(socketUrl(url, userId, options), [...protocols], more))
  await socket.event('ready')
  return socket
}

/** The HTTP answer to an upgrade that is refused. */
export async function refusedUpgrade(
  address: string,
  protocols: readonly string[] = [],
  more: ClientOptions = {},
): Promise<{ status: number; headers: IncomingMessage['headers']; body: Record<string, unknown> }> {
  const ws = new WebSocket(address, [...protocols], more)
  const answered = once(ws, 'unexpected-response') as Promise<[unknown, IncomingMessage]>
  ws.on('error', () => undefined)
  const [, response] = await answered
  let text = ''
  for await (const part of response.setEncoding('utf8')) text += part
  return { status: response.statusCode ?? 0, headers: response.headers, body: JSON.parse(text) }
}
