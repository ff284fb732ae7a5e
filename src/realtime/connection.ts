import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import type { Clock } from '../base/clock.ts'
import { CLOSE } from './close-codes.ts'
import type { TokenUser } from './door/token.ts'
import { FeedCursor } from './feed-cursor.ts'
import type { FeedSocket } from './feed-socket.ts'
import { textFrame } from './frames.ts'
import type { RealtimeMetrics } from './metrics.ts'
import { type Outgoing, SendQueue } from './send-queue.ts'

/** What all connections of a process have in common. */
export interface ConnectionHost {
  readonly clock: Clock
  readonly metrics: Pick<RealtimeMetrics, 'dropped' | 'tooSlow'>
}

export interface ConnectionParts {
  /** The how-many-eth of this process it is. */
  readonly number: number
  readonly ws: FeedSocket
  /** The socket under `ws`, to which frames are written as they are. */
  readonly socket: Socket
  readonly user: TokenUser
  /** Whose seats it takes; null: nobody's. */
  readonly network: string | null
  /** The number after which the client wants to go on; null: from now on. */
  readonly since: number | null
  /** Of its user. */
  readonly channel: string
}

/** Names this process among all that ever were. */
const PROCESS = randomBytes(9).toString('base64url')
/** As much is written at once when a slow socket can take more. */
const WRITE_BYTES = 64 * 1024
/** A close frame that waits behind what a stalled peer does not read is not waited for. */
const TOO_SLOW_GRACE_MS = 2_000
/** A client that acknowledges does so soon, or its answer says nothing of the way. */
const REMEMBERED_BIRTHS = 32

/**
 * One open WebSocket, and the way out to its client. Nearly all of them are idle nearly always, so it holds no timer, no closure
 * and no collection until it needs one. Everything that goes to the client goes through `push`, which keeps the classes
 * apart and never holds more than their budgets.
 */
export class Connection {
  readonly #number: number
  readonly ws: FeedSocket
  readonly socket: Socket
  readonly network: string | null
  readonly since: number | null
  readonly channel: string
  readonly cursor = new FeedCursor()
  user: TokenUser
  /** A driver's session; 0: none. */
  fence = 0
  /** Whether `ready` was sent; before that nothing else is. */
  isReady = false
  /** Whether its token's end was announced. */
  isWarned = false
  /** Whether it is a driver's who waits for a ride. */
  isAwaited = false
  /** When it was last pinged, and when it last said anything: whole milliseconds of the monotonic clock, which cost no object each. */
  pingedAtMs: number
  heardAtMs: number
  /** Channels beside the user's own; null: none. */
  channels: Set<string> | null = null
  readonly #host: ConnectionHost
  /** When the facts reached us that the last messages told of; only for a client that acknowledges. */
  #births: Map<number, number> | null = null
  #queue: SendQueue | null = null
  #isWatched = false
  #drained: (() => void) | null = null

  constructor(host: ConnectionHost, { number, ws, socket, user, network, since, channel }: ConnectionParts) {
    this.#host = host
    this.#number = number
    this.ws = ws
    this.socket = socket
    this.user = user
    this.network = network
    this.since = since
    this.channel = channel
    this.pingedAtMs = Math.round(host.clock.monotonicMs())
    this.heardAtMs = this.pingedAtMs
  }

  /** Names it in logs and to its client; made when it is asked for, since each idle connection would hold it. */
  get id(): string {
    return `${PROCESS}-${this.#number.toString(36)}`
  }

  get isOpen(): boolean {
    return this.ws.readyState === this.ws.OPEN
  }

  /** Whether the client does not read as fast as it is written to. */
  get isCongested(): boolean {
    return this.#queue !== null || this.socket.writableNeedDrain
  }

  /**
   * Sends a message, or lets it wait, or drops it, as its class says. A client without room for what must come is closed
   * with 4408.
   */
  push(message: Outgoing): void {
    if (!this.isOpen) return
    if (!this.isCongested) {
      this.socket.write(message.frame)
      return
    }
    this.#watch()
    this.#queue ??= new SendQueue(this.#host.metrics.dropped)
    if (!this.#queue.add(message)) this.#tooSlow()
  }

  /** Several messages whose frames stand one after the other in `joined`: one write where the client keeps up. */
  pushJoined(messages: readonly Outgoing[], joined: Buffer): void {
    if (this.isCongested) for (const message of messages) this.push(message)
    else if (this.isOpen) this.socket.write(joined)
  }

  /** The session's own word, or a reply: JSON text. */
  say(text: string | Buffer): void {
    this.push({ kind: 'kept', frame: textFrame(text) })
  }

  /** Resolves when the client keeps up again, or the connection is over. */
  async drained(): Promise<void> {
    if (!this.isCongested || !this.isOpen) return
    this.#watch()
    await new Promise<void>((resolve) => {
      const earlier = this.#drained
      this.#drained = () => {
        earlier?.()
        resolve()
      }
    })
  }

  /** A message of the feed went out whose fact reached us at that moment (wall clock). */
  noteSent(seq: number, bornAtMs: number): void {
    const births = this.#births
    if (births === null) return
    births.set(seq, bornAtMs)
    if (births.size <= REMEMBERED_BIRTHS) return
    for (const oldest of births.keys()) {
      births.delete(oldest)
      break
    }
  }

  /** The client has shown everything up to this number; returns when the last of it was born, null where that is not known. */
  noteShown(seq: number): number | null {
    this.#births ??= new Map()
    const bornAtMs = this.#births.get(seq) ?? null
    for (const one of this.#births.keys()) if (one <= seq) this.#births.delete(one)
    return bornAtMs
  }

  /** Ends it with a reason; what was sent before still goes out. */
  close(code: number, reason = ''): void {
    if (this.isOpen && this.#queue !== null) {
      const frames = takeUpTo(this.#queue, Number.POSITIVE_INFINITY, this.#host.clock.nowMs())
      this.socket.write(Buffer.concat(frames))
      this.#queue = null
    }
    this.ws.close(code, reason)
    // A client with many commands waiting is not read, and his goodbye has to be.
    if (this.ws.isPaused) this.ws.resume()
  }

  /** It is over: nothing waits for it any more. */
  ended(): void {
    this.#queue = null
    this.#release()
  }

  #watch(): void {
    if (this.#isWatched) return
    this.#isWatched = true
    this.socket.once('drain', () => {
      this.#isWatched = false
      this.#writeMore()
    })
  }

  #writeMore(): void {
    const nowMs = this.#host.clock.nowMs()
    const queue = this.#queue
    while (queue !== null && this.isOpen && !this.socket.writableNeedDrain) {
      const frames = takeUpTo(queue, WRITE_BYTES, nowMs)
      if (frames.length > 0) this.socket.write(Buffer.concat(frames))
      if (!queue.isEmpty) continue
      this.#queue = null
      break
    }
    if (this.isCongested) this.#watch()
    else this.#release()
  }

  #release(): void {
    const resume = this.#drained
    this.#drained = null
    resume?.()
  }

  #tooSlow(): void {
    this.#host.metrics.tooSlow()
    // What waits would only delay the close, and comes again.
    this.ended()
    this.close(CLOSE.tooSlow, 'read faster, or come back with since')
    setTimeout(() => this.ws.terminate(), TOO_SLOW_GRACE_MS).unref()
  }
}

function takeUpTo(queue: SendQueue, bytes: number, nowMs: number): Buffer[] {
  const frames: Buffer[] = []
  for (let total = 0; total < bytes; ) {
    const frame = queue.take(nowMs)
    if (frame === undefined) break
    frames.push(frame)
    total += frame.length
  }
  return frames
}
