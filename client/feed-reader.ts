import { Acks } from './acks.ts'
import type { ClientClock } from './clock.ts'
import { CursorKeeper, type CursorStore } from './cursor.ts'
import { type FeedPosition, NOWHERE, onAnswered, onNumbered, onReady, onReset } from './feed.ts'

export interface FeedReaderOptions {
  readonly clock: ClientClock
  readonly start: 'head' | 'acked'
  readonly cursor: CursorStore | null
  readonly autoAck: boolean
  /** Tells the server how far was seen; false: there is no connection. */
  readonly acknowledge: (seq: number) => boolean
  /** Asks the server for what comes after `since`; settles with its answer. */
  readonly resume: (since: number) => Promise<void>
  readonly onError: (error: unknown) => void
}

/** The user's feed as the application sees it: 1, 2, 3 …, each once, whatever the connections do. */
export class FeedReader {
  readonly #options: FeedReaderOptions
  readonly #keeper: CursorKeeper | null
  readonly #acks: Acks
  #position: FeedPosition = NOWHERE
  #isRestored = false

  constructor(options: FeedReaderOptions) {
    this.#options = options
    this.#keeper = options.cursor && new CursorKeeper(options.cursor, options.onError)
    this.#acks = new Acks(options.clock, options.acknowledge)
  }

  /** The number of the last message that was seen; null: none was, and nothing is known. */
  get last(): number | null {
    return this.#position.last
  }

  /** Reads where an earlier start of the app came to. Once. */
  async restore(): Promise<void> {
    if (this.#isRestored) return
    const last = (await this.#keeper?.read()) ?? null
    if (this.#isRestored) return
    this.#isRestored = true
    this.#position = { last, isAsked: false }
  }

  /** A connection is ready. */
  ready(data: { readonly head: number; readonly acked: number }): void {
    const before = this.#position.last
    const [position, verdict] = onReady(this.#position, data, this.#options.start)
    this.#position = position
    this.#acks.connected(data.acked)
    if (position.last !== null && position.last !== before) this.#keeper?.note(position.last)
    if (verdict === 'ask') void this.#ask()
  }

  /** What is missing is not to be had; numbers go on after `head`. */
  reset(head: number): void {
    this.#position = onReset(head)
    this.#acks.forget()
    this.#keeper?.note(head)
  }

  /** A numbered message came; `deliver` is called if it is its turn, and what it shows counts as seen. */
  take(seq: number, deliver: () => void): void {
    const [position, verdict] = onNumbered(this.#position, seq)
    this.#position = position
    if (verdict === 'ask') void this.#ask()
    if (verdict !== 'deliver') return
    deliver()
    this.#keeper?.note(seq)
    if (this.#options.autoAck) this.#acks.note(seq)
  }

  flush(): void {
    this.#acks.flush()
  }

  /** Until the last seen number is kept. */
  async settled(): Promise<void> {
    this.#acks.stop()
    await this.#keeper?.settled()
  }

  async #ask(): Promise<void> {
    const since = this.#position.last
    if (since === null) return
    try {
      await this.#options.resume(since)
      this.#position = onAnswered(this.#position)
    } catch (error) {
      this.#options.onError(error)
    }
  }
}
