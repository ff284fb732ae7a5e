import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { SampleDelivery } from '../../src/webhooks/gateways/samples/samples.ts'

export interface RawAnswer {
  readonly status: number
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** A bare connection, for what a decent client would never send. */
export class RawConnection {
  readonly socket: Socket
  /** Resolves when the connection is over, whoever ended it. */
  readonly closed: Promise<void>
  #received: Buffer = Buffer.alloc(0)
  #isClosed = false
  #wake = Promise.withResolvers<void>()

  private constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true })
    this.socket.on('data', (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk])
      this.#notify()
    })
    // A reset is an end like any other here; `closed` tells of it.
    this.socket.on('error', () => undefined)
    this.closed = new Promise((resolve) => {
      this.socket.on('close', () => {
        this.#isClosed = true
        this.#notify()
        resolve()
      })
    })
  }

  static async open(port: number): Promise<RawConnection> {
    const connection = new RawConnection(port)
    await once(connection.socket, 'connect')
    return connection
  }

  send(...parts: readonly (string | Buffer)[]): void {
    for (const part of parts) this.socket.write(part)
  }

  /** The next answer on this connection. Rejects when the connection ends before it is whole. */
  async answer(): Promise<RawAnswer> {
    for (;;) {
      const parsed = takeAnswer(this.#received)
      if (parsed) {
        this.#received = parsed.rest
        return parsed.answer
      }
      if (this.#isClosed)
        throw new Error(`the connection ended after: ${this.#received.toString().slice(0, 200)}`)
      await this.#wake.promise
    }
  }

  end(): void {
    this.socket.destroy()
  }

  #notify(): void {
    this.#wake.resolve()
    this.#wake = Promise.withResolvers()
  }
}

function takeAnswer(bytes: Buffer): { answer: RawAnswer; rest: Buffer } | null {
  const headEnd = bytes.indexOf('\r\n\r\n')
  if (headEnd === -1) return null
  const [statusLine = '', ...lines] = bytes.subarray(0, headEnd).toString('latin1').split('\r\n')
  const headers = Object.fromEntries(
    lines.map((line) => [
      line.slice(0, line.indexOf(':')).toLowerCase(),
      line.slice(line.indexOf(':') + 1).trim(),
    ]),
  )
  const bodyStart = headEnd + 4
  const bodyEnd = bodyStart + Number(headers['content-length'] ?? 0)
  if (bytes.length < bodyEnd) return null
  const body = bytes.subarray(bodyStart, bodyEnd).toString()
  return {
    answer: { status: Number(statusLine.split(' ')[1]), headers, body },
    rest: bytes.subarray(bodyEnd),
  }
}

/** The head of a POST with the delivery's headers; `framing` says how the body's length is told. */
export function headOf(
  { path, headers }: SampleDelivery,
  framing: string,
  more: readonly string[] = [],
): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  return [`POST ${path} HTTP/1.1`, 'host: 127.0.0.1', ...lines, ...more, framing, '', ''].join('\r\n')
}

/** A whole request, with its Content-Length. */
export function requestOf(delivery: SampleDelivery): Buffer {
  return Buffer.concat([
    Buffer.from(headOf(delivery, `content-length: ${delivery.body.length}`)),
    delivery.body,
  ])
}

/** The body as chunks of at most `chunkBytes`; `isWhole` false leaves the end out. */
export function chunked(body: Buffer, chunkBytes: number, isWhole = true): Buffer {
  const parts: Buffer[] = []
  for (let start = 0; start < body.length; start += chunkBytes) {
    const chunk = body.subarray(start, start + chunkBytes)
    parts.push(Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n'))
  }
  if (isWhole) parts.push(Buffer.from('0\r\n\r\n'))
  return Buffer.concat(parts)
}
