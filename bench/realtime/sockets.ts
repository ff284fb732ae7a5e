import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { type Dialect, FrameSocket, type SocketEvents } from './frame-socket.ts'
import { addressOf, signToken, userIdOf } from './tokens.ts'

/** Which sockets to open. They go to the ports in turns; the n-th comes from the n-th address. */
export interface OpenOrder {
  readonly ports: readonly number[]
  readonly dialect: Dialect
  readonly secret: string
  readonly sockets: number
  /** each: the n-th socket is the n-th user's. one: all are user 0's. */
  readonly users: 'each' | 'one'
  /** The first socket's number; by default 0. */
  readonly first?: number
  /** Handshakes at once. */
  readonly inFlight: number
  /** Note when messages about payments come; the others are counted, whatever they say. */
  readonly notesPayments?: boolean
}

/** A message of the feed, and when it was read from the socket (wall clock, with fractions of milliseconds). */
export interface PaymentNote {
  readonly userIndex: number
  readonly seq: number
  readonly atMs: number
}

/** A greeting takes milliseconds; a socket that has none by then has been forgotten. */
const GREETING_TIMEOUT_MS = 20_000

/** `{"event":"payment:` */
const EVENT_NAME_AT = 10
const P_OF_PAYMENT = 0x70
const SEQ = /"seq":(\d+)/

/** Open sockets, and how many messages came over all of them. */
export class Sockets {
  received = 0
  /** Those that the server closed, by close code. */
  readonly closed = new Map<string, number>()
  readonly payments: PaymentNote[] = []
  readonly #open = new Set<FrameSocket>()
  #control: Socket | null = null
  #tellEvery = Number.POSITIVE_INFINITY
  #told = 0

  async open(order: OpenOrder): Promise<void> {
    const { ports, dialect, secret, sockets, users, first = 0, inFlight, notesPayments = false } = order
    let next = first
    const lane = async () => {
      for (;;) {
        const index = next
        next += 1
        if (index >= first + sockets) return
        const userIndex = users === 'each' ? index : 0
        const shape = {
          port: ports[index % ports.length] ?? 0,
          dialect,
          token: signToken(secret, userIdOf(userIndex)),
          localAddress: addressOf(index),
        }
        this.#open.add(
          await greeted(
            shape,
            {
              onMessages: (count) => this.#count(count),
              onMessage: notesPayments ? (payload) => this.#note(userIndex, payload) : undefined,
            },
            (code) => this.#noteClosed(code),
          ),
        )
      }
    }
    await Promise.all(Array.from({ length: inFlight }, lane))
  }

  /** Says goodbye to all, and counts from 0 again. */
  close(): void {
    for (const socket of this.#open) socket.close()
    this.#open.clear()
  }

  /** Opens a port for the process that sends: it hears after every `tellEvery` messages how many came since it asked. */
  async openControl(): Promise<number> {
    const server = createServer((socket) => {
      socket.setNoDelay(true)
      socket.once('data', (text) => {
        this.#tellEvery = Number(text.toString())
        this.#told = this.received
        this.#control = socket
        socket.write('0\n')
      })
      socket.on('error', () => undefined)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }

  #count(count: number): void {
    this.received += count
    if (this.received - this.#told < this.#tellEvery) return
    const behind = this.received - this.#told
    const told = behind - (behind % this.#tellEvery)
    this.#told += told
    this.#control?.write(`${told}\n`)
  }

  #note(userIndex: number, payload: Buffer): void {
    if (payload[EVENT_NAME_AT] !== P_OF_PAYMENT) return
    const seq = SEQ.exec(payload.toString('latin1'))?.[1]
    if (seq === undefined) return
    this.payments.push({ userIndex, seq: Number(seq), atMs: performance.timeOrigin + performance.now() })
  }

  #noteClosed(code: number | null): void {
    const name = String(code)
    this.closed.set(name, (this.closed.get(name) ?? 0) + 1)
  }
}

type Shape = ConstructorParameters<typeof FrameSocket>[0]

/** Opens a socket and waits until the server greets it. Throws when it is refused or not greeted. */
export function greeted(
  shape: Shape,
  events: Pick<SocketEvents, 'onMessages' | 'onMessage'>,
  onClosed: (code: number | null) => void,
): Promise<FrameSocket> {
  return new Promise((resolve, reject) => {
    let isGreeted = false
    const timer = setTimeout(() => socket.destroy(), GREETING_TIMEOUT_MS)
    const socket = new FrameSocket(shape, {
      ...events,
      onGreeted: () => {
        isGreeted = true
        clearTimeout(timer)
        resolve(socket)
      },
      onClosed: (code, refusal) => {
        clearTimeout(timer)
        if (isGreeted) onClosed(code)
        else reject(new Error(`a socket was not greeted: ${refusal ?? `closed with ${code}`}`))
      },
    })
  })
}
