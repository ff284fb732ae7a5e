import { setTimeout as pause } from 'node:timers/promises'
import { within } from './within.ts'

export interface LoopOptions {
  /** One turn; returns true when there is more to do at once. */
  readonly turn: () => Promise<boolean>
  /** Between turns, half to one and a half of this, so that processes do not turn together. */
  readonly intervalMs: number
  /** Hears what a turn threw; the next one tries again. */
  readonly onError: (error: unknown) => void
}

/** Turns until it is stopped. A turn that throws does not end it. */
export class Loop {
  readonly #options: LoopOptions
  readonly #stop = new AbortController()
  #running: Promise<void> | null = null

  constructor(options: LoopOptions) {
    this.#options = options
  }

  start(): void {
    this.#running ??= this.#run()
  }

  /** Ends after the turn in hand, for which it waits at most `timeoutMs`. */
  async stop(timeoutMs: number): Promise<void> {
    this.#stop.abort()
    if (this.#running !== null) await within(timeoutMs, this.#running)
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      let hasMore = false
      try {
        hasMore = await this.#options.turn()
      } catch (error) {
        this.#options.onError(error)
      }
      if (hasMore) continue
      const waitMs = this.#options.intervalMs * (0.5 + Math.random())
      await pause(waitMs, undefined, { signal }).catch(() => undefined)
    }
  }
}
