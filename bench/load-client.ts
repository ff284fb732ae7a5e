import { connect, type Socket } from 'node:net'
import { buildDelivery, type SampleGateway } from '../src/webhooks/gateways/samples.ts'
import { serve } from './child.ts'
import { keepPace } from './pace.ts'
import { type Latencies, summarise } from './statistics.ts'

/** Which requests to prepare, and where they go. */
export interface LoadOrder {
  readonly port: number
  readonly connections: number
  readonly gateway: SampleGateway
  readonly secret: string
  readonly bodyBytes: number
  /** Requests to sign before the clock starts. The n-th is about the payment `<tag>-<n>`. */
  readonly prepare: number
  readonly tag: string
  /** Send them again from the first when they are used up (for servers that store nothing); otherwise the run ends. */
  readonly repeat: boolean
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
  /** Answers other than 200. */
  readonly errors: number
  readonly ranOut: boolean
}

let load: Load | null = null

serve({
  prepare: async (order: LoadOrder): Promise<null> => {
    load = await Load.prepare(order)
    return null
  },
  run: (order: RunOrder): Promise<LoadReport> => {
    if (load === null) throw new Error('prepare comes first')
    return load.run(order)
  },
})

/** Signed requests and open keep-alive connections. */
class Load {
  readonly #requests: readonly Buffer[]
  readonly #connections: readonly Connection[]
  readonly #repeat: boolean
  #next = 0

  private constructor(requests: readonly Buffer[], connections: readonly Connection[], repeat: boolean) {
    this.#requests = requests
    this.#connections = connections
    this.#repeat = repeat
  }

  static async prepare(order: LoadOrder): Promise<Load> {
    const requests = Array.from({ length: order.prepare }, (_, index) => buildRequest(order, index))
    const connections = await Promise.all(
      Array.from({ length: order.connections }, async () => new Connection(await open(order.port))),
    )
    return new Load(requests, connections, order.repeat)
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
          if ((await connection.send(request)) !== 200) errors += 1
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
    const request = this.#requests[this.#next]
    this.#next += 1
    if (this.#repeat && this.#next === this.#requests.length) this.#next = 0
    return request
  }
}

/** Signed and serialised before the clock starts, so that a run measures the server. */
function buildRequest(order: LoadOrder, index: number): Buffer {
  const ref = `${order.tag}-${index}`
  const delivery = buildDelivery(order.gateway, {
    eventId: `evt_${ref}`,
    kind: 'captured',
    merchantRef: ref,
    gatewayRef: `pi_${ref}`,
    operationRef: `ch_${ref}`,
    amountMinor: 15_000n,
    currency: 'EGP',
    nowMs: Date.now(),
    secret: order.secret,
    bodyBytes: order.bodyBytes,
  })
  const lines = [
    `POST ${delivery.path} HTTP/1.1`,
    'host: 127.0.0.1',
    `content-length: ${delivery.body.length}`,
    ...Object.entries(delivery.headers).map(([name, value]) => `${name}: ${value}`),
  ]
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), delivery.body])
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

  /** The answer's status. Throws when the server closes the connection. */
  async send(request: Buffer): Promise<number> {
    this.#socket.write(request)
    for (;;) {
      const status = this.#takeAnswer()
      if (status !== null) return status
      if (this.#closed) throw new Error('the server closed a connection')
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  #takeAnswer(): number | null {
    const headEnd = this.#text.indexOf('\r\n\r\n')
    if (headEnd === -1) return null
    const head = this.#text.slice(0, headEnd)
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0)
    if (this.#text.length < headEnd + 4 + length) return null
    this.#text = this.#text.slice(headEnd + 4 + length)
    return Number(head.slice(9, 12))
  }
}
