import { connect, type Socket } from 'node:net'
import type { SampleDelivery } from '../src/webhooks/gateways/samples/samples.ts'
import { keepPace } from './pace.ts'
import { type Latencies, summarise } from './statistics.ts'

/** Requests as they go over the wire, and where they go. */
export interface LoadShape {
  readonly port: number
  readonly connections: number
  readonly requests: readonly Buffer[]
  /** Send them again from the first when they are used up; otherwise the run ends. */
  readonly repeat: boolean
  /** Whether an answer is the right one, told by its head. */
  readonly isRight: (head: string) => boolean
}

/** How to send them. A client may be asked several times; it goes on where it was. */
export interface RunOrder {
  readonly seconds: number
  /** null: as fast as the answers come. Otherwise requests a second, whatever comes back. */
  readonly ratePerSecond: number | null
}

export interface LoadReport extends Latencies {
  readonly requests: number
  readonly requestsPerSecond: number
  /** Answers that were not the right ones. */
  readonly errors: number
  readonly ranOut: boolean
}

/** Prepared requests and open keep-alive connections. */
export class Load {
  readonly #shape: LoadShape
  readonly #connections: readonly Connection[]
  #next = 0

  private constructor(shape: LoadShape, connections: readonly Connection[]) {
    this.#shape = shape
    this.#connections = connections
  }

  static async open(shape: LoadShape): Promise<Load> {
    const connections = await Promise.all(
      Array.from({ length: shape.connections }, async () => new Connection(await open(shape.port))),
    )
    return new Load(shape, connections)
  }

  async run({ seconds, ratePerSecond }: RunOrder): Promise<LoadReport> {
    const latenciesMs: number[] = []
    let errors = 0
    let ranOut = false
    const startMs = performance.now()
    const span = { startMs, endMs: startMs + seconds * 1_000 }
    const lanes = this.#connections.length
    await Promise.all(
      this.#connections.map((connection, index) =>
        keepPace({ index, lanes, ratePerSecond }, span, latenciesMs, async () => {
          const request = this.#take()
          ranOut = request === undefined
          if (request === undefined) return false
          if (!this.#shape.isRight(await connection.send(request))) errors += 1
          return true
        }),
      ),
    )
    const elapsedSeconds = (performance.now() - startMs) / 1_000
    const requests = latenciesMs.length
    return {
      requests,
      requestsPerSecond: requests / elapsedSeconds,
      errors,
      ranOut,
      ...summarise(latenciesMs),
    }
  }

  #take(): Buffer | undefined {
    const { requests, repeat } = this.#shape
    const request = requests[this.#next]
    this.#next += 1
    if (repeat && this.#next === requests.length) this.#next = 0
    return request
  }
}

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => resolve(socket))
    socket.once('error', reject)
  })
}

/**
 * One keep-alive connection with one request in flight. Reads an answer's status line, content-length and body, with as
 * little work as can be, since the client shares the machine with what it measures.
 */
class Connection {
  readonly #socket: Socket
  #text = ''
  #wake: (() => void) | null = null
  #closed = false

  constructor(socket: Socket) {
    this.#socket = socket
    socket.setEncoding('latin1')
    socket.on('data', (chunk: string) => {
      this.#text += chunk
      this.#wake?.()
    })
    socket.on('close', () => {
      this.#closed = true
      this.#wake?.()
    })
  }

  /** The answer's status line and headers. Throws when the server closes the connection. */
  async send(request: Buffer): Promise<string> {
    this.#socket.write(request)
    for (;;) {
      const head = this.#takeAnswer()
      if (head !== null) return head
      if (this.#closed) throw new Error('the server closed a connection')
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  #takeAnswer(): string | null {
    const headEnd = this.#text.indexOf('\r\n\r\n')
    if (headEnd === -1) return null
    const head = this.#text.slice(0, headEnd)
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0)
    if (this.#text.length < headEnd + 4 + length) return null
    this.#text = this.#text.slice(headEnd + 4 + length)
    return head
  }
}

/** The status that an answer's head bears. */
export function statusOf(head: string): number {
  return Number(head.slice(9, 12))
}

/** A delivery as it goes over the wire: serialised before the clock starts, so that a run measures the server. */
export function requestBytes({ path, headers, body }: SampleDelivery): Buffer {
  const lines = [
    `POST ${path} HTTP/1.1`,
    'host: 127.0.0.1',
    `content-length: ${body.length}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ]
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), body])
}
