import { Alarm, type ClientClock } from './clock.ts'
import { CommandError, type LocalCode, localError } from './errors.ts'
import type { ErrorData, ReplyData } from './frames.ts'
import { Pacer } from './pacer.ts'
import type { Ready } from './protocol.ts'

export interface OutboxOptions {
  readonly clock: ClientClock
  readonly random: () => number
  /** Hands a frame to the open connection. False: there is none. */
  readonly transmit: (text: string) => boolean
  /** More commands than this do not wait at once; the next is refused. */
  readonly maxQueued: number
}

export interface CommandOptions {
  /** How long to try, in all; by default 30 seconds. */
  readonly timeoutMs?: number
  /** The command's own id, to say one again that was said before, perhaps by an app that was restarted since. */
  readonly id?: string
  /** False: only over the connection that is open now; without one it fails at once. By default it waits for one. */
  readonly queue?: boolean
}

interface Pending {
  readonly id: string
  readonly text: string
  readonly queue: boolean
  readonly deadline: Alarm
  readonly deadlineMs: number
  readonly again: Alarm
  readonly resolve: (data: ReplyData) => void
  readonly reject: (error: CommandError) => void
  wasSent: boolean
  /** Has been handed to the connection that is open now, and is not answered. */
  isOut: boolean
  tries: number
}

export const DEFAULT_TIMEOUT_MS = 30_000
/** Of a retry for which the server named no time. */
const RETRY_BASE_MS = 250
const RETRY_CAP_MS = 5_000
const MAX_FRAME_BYTES = 16 * 1_024

/**
 * The commands that wait for their replies. Each keeps its id for as long as it is tried: over one connection after the other, and after
 * every error that says so, so that the server can tell a repetition from a second command.
 */
export class Outbox {
  readonly #options: OutboxOptions
  readonly #pending = new Map<string, Pending>()
  readonly #pacer: Pacer
  #isOpen = false
  #maxBytes = MAX_FRAME_BYTES

  constructor(options: OutboxOptions) {
    this.#options = options
    this.#pacer = new Pacer(options.clock, () => this.#flush())
  }

  get size(): number {
    return this.#pending.size
  }

  /** The data of the reply; rejects with a CommandError. */
  send(id: string, event: string, data: object, options: CommandOptions = {}): Promise<ReplyData> {
    const { clock, maxQueued } = this.#options
    const { timeoutMs = DEFAULT_TIMEOUT_MS, queue = true } = options
    const text = JSON.stringify({ id, event, data })
    const no = (code: LocalCode, message: string) => Promise.reject(localError(id, 'not_sent', code, message))
    if (this.#pending.has(id)) return no('queue_full', `a command with the id ${id} waits already`)
    if (this.#pending.size >= maxQueued) return no('queue_full', `${maxQueued} commands wait already`)
    if (new TextEncoder().encode(text).length > this.#maxBytes)
      return no('too_big', 'more than a frame may have')
    if (!queue && !this.#isOpen) return no('offline', 'there is no connection')
    return new Promise((resolve, reject) => {
      const entry: Pending = {
        ...{ id, text, queue, resolve, reject, wasSent: false, isOut: false, tries: 0 },
        ...{ deadline: new Alarm(clock), again: new Alarm(clock), deadlineMs: clock.nowMs() + timeoutMs },
      }
      this.#pending.set(id, entry)
      entry.deadline.set(timeoutMs, () => this.#fail(entry, 'timeout', `no reply within ${timeoutMs} ms`))
      this.#flush()
    })
  }

  /** A connection is ready: everything that has no reply goes over it, the oldest first. */
  connected(limits: Ready['limits'] = {}): void {
    this.#isOpen = true
    this.#maxBytes = limits.messageBytes ?? MAX_FRAME_BYTES
    this.#pacer.start(limits.messagesPerSecond)
    this.#flush()
  }

  /** The connection is gone: what is out may have arrived, or not. */
  disconnected(): void {
    this.#isOpen = false
    this.#pacer.stop()
    for (const entry of this.#pending.values()) {
      entry.isOut = false
      // Its wait was for a server that is gone; the next one is asked as soon as it is there.
      entry.again.cancel()
      if (!entry.queue) this.#fail(entry, 'offline', 'the connection was lost')
    }
  }

  /** Ends what waits. */
  abandon(): void {
    for (const entry of [...this.#pending.values()]) this.#fail(entry, 'closed', 'the client was closed')
  }

  succeeded(id: string, data: ReplyData): void {
    const entry = this.#pending.get(id)
    if (entry === undefined) return
    this.#forget(entry)
    entry.resolve(data)
  }

  failed(id: string, error: ErrorData): void {
    const entry = this.#pending.get(id)
    if (entry === undefined) return
    const waitMs = error.retryAfterMs ?? this.#backoffMs(entry.tries)
    if (error.retry && this.#options.clock.nowMs() + waitMs < entry.deadlineMs) {
      entry.tries += 1
      entry.again.set(waitMs, () => {
        entry.isOut = false
        this.#flush()
      })
      return
    }
    this.#forget(entry)
    // Whoever is to ask again may have been answered too early, or an earlier try of his may have done it.
    entry.reject(new CommandError(id, error.retry ? 'unknown' : 'refused', error))
  }

  #backoffMs(tries: number): number {
    return (
      RETRY_BASE_MS +
      this.#options.random() * Math.min(RETRY_CAP_MS, RETRY_BASE_MS * 2 ** Math.min(tries, 10))
    )
  }

  #flush(): void {
    if (!this.#isOpen) return
    for (const entry of this.#pending.values()) {
      if (entry.isOut) continue
      if (!this.#pacer.take()) return
      if (!this.#options.transmit(entry.text)) return
      entry.isOut = true
      entry.wasSent = true
    }
  }

  #fail(entry: Pending, code: LocalCode, message: string): void {
    this.#forget(entry)
    entry.reject(localError(entry.id, entry.wasSent ? 'unknown' : 'not_sent', code, message))
  }

  #forget(entry: Pending): void {
    entry.deadline.cancel()
    entry.again.cancel()
    this.#pending.delete(entry.id)
  }
}
