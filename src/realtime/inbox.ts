import { CLOSE } from './close-codes.ts'
import type { Connection } from './connection.ts'

/** What became of a frame: the reply as JSON text, null for none, and what the connection is told beside it. */
export interface Received {
  readonly reply: Buffer | string | null
  readonly pushes?: readonly Buffer[]
  readonly malformed: boolean
}

export interface InboxOptions {
  readonly messagesPerSecond: number
  /** Never throws or rejects. */
  readonly receive: (connection: Connection, text: string) => Received | Promise<Received>
}

/** Twice a second's messages may come at once, after a phone's tunnel. */
const BURST_SECONDS = 2
/** With so many frames waiting the socket is not read any more. */
const MAX_WAITING = 16
/** A client that cannot speak the protocol does not learn it by being told once more. */
const MAX_MALFORMED = 5
const BINARY: Received = {
  reply: JSON.stringify({
    re: null,
    ok: false,
    error: { code: 'malformed', message: 'Send text frames of one JSON object.', retry: false },
  }),
  malformed: true,
}

/**
 * What one client sends: one command after the other, in their order, and not more than it may. Made when a client says
 * something for the first time.
 */
export class Inbox {
  readonly #connection: Connection
  readonly #options: InboxOptions
  /** null: a binary frame, whatever it says. */
  readonly #waiting: (string | null)[] = []
  #isWorking = false
  #malformed = 0
  #allowance: number
  #allowedAtMs: number

  constructor(connection: Connection, options: InboxOptions, nowMs: number) {
    this.#connection = connection
    this.#options = options
    this.#allowance = options.messagesPerSecond * BURST_SECONDS
    this.#allowedAtMs = nowMs
  }

  /** A frame or a ping came. False: it was one too many, and the connection is over. */
  allow(nowMs: number): boolean {
    const { messagesPerSecond } = this.#options
    const earned = ((nowMs - this.#allowedAtMs) / 1_000) * messagesPerSecond
    this.#allowance = Math.min(this.#allowance + earned, messagesPerSecond * BURST_SECONDS)
    this.#allowedAtMs = nowMs
    if (this.#allowance < 1) {
      this.#connection.close(CLOSE.tooManyMessages, `at most ${messagesPerSecond} messages a second`)
      return false
    }
    this.#allowance -= 1
    return true
  }

  /** Takes a frame that came; it is worked on after those before it, and after `ready`. */
  take(data: Buffer, isBinary: boolean): void {
    const text = isBinary ? null : data.toString('utf8')
    if (this.#connection.isReady && !this.#isWorking && this.#waiting.length === 0) {
      this.#work(text)
      return
    }
    this.#waiting.push(text)
    if (this.#waiting.length >= MAX_WAITING) this.#connection.ws.pause()
    if (this.#connection.isReady) this.wake()
  }

  /** Works on what waits. */
  wake(): void {
    if (!this.#isWorking) this.#work(this.#waiting.shift())
  }

  /** What is answered at once needs no promise: nearly all that comes are positions. */
  #work(first: string | null | undefined): void {
    this.#isWorking = true
    for (let text = first; text !== undefined; text = this.#waiting.shift()) {
      if (!this.#connection.isOpen) break
      const received = text === null ? BINARY : this.#options.receive(this.#connection, text)
      if (received instanceof Promise) {
        void this.#goOn(received)
        return
      }
      this.#note(received)
    }
    this.#isWorking = false
  }

  async #goOn(received: Promise<Received>): Promise<void> {
    this.#note(await received)
    this.#work(this.#waiting.shift())
  }

  #note({ reply, pushes = [], malformed }: Received): void {
    if (this.#connection.ws.isPaused && this.#waiting.length < MAX_WAITING / 2) this.#connection.ws.resume()
    if (reply !== null) this.#connection.say(reply)
    for (const push of pushes) this.#connection.say(push)
    if (!malformed) return
    this.#malformed += 1
    if (this.#malformed >= MAX_MALFORMED)
      this.#connection.close(CLOSE.malformed, 'these are no frames of this protocol')
  }
}
