import { Alarm, type ClientClock } from './clock.ts'

export interface RenewalOptions {
  readonly clock: ClientClock
  /** Fetches a new token; null: there is none. */
  readonly fetchToken: () => Promise<string | null>
  /** Tells the server of it; rejects where it is refused. */
  readonly refresh: (token: string) => Promise<unknown>
  readonly onError: (error: unknown) => void
}

const AGAIN_MS = 3_000

/**
 * Goes on with a new token over the same connection. What fails is tried again until the server gives up; then it closes with 4401, and the
 * next connection asks for a token anew.
 */
export class Renewal {
  readonly #options: RenewalOptions
  readonly #alarm: Alarm
  #turn = 0

  constructor(options: RenewalOptions) {
    this.#options = options
    this.#alarm = new Alarm(options.clock)
  }

  /** The token is near its end; `leftMs` is how long the server waits for another. */
  begin(leftMs: number): void {
    this.stop()
    void this.#try(this.#options.clock.nowMs() + leftMs, this.#turn)
  }

  stop(): void {
    this.#turn += 1
    this.#alarm.cancel()
  }

  async #try(untilMs: number, turn: number): Promise<void> {
    const { clock, fetchToken, refresh, onError } = this.#options
    try {
      const token = await fetchToken()
      if (turn !== this.#turn || token === null) return
      await refresh(token)
    } catch (error) {
      if (turn !== this.#turn) return
      onError(error)
      if (clock.nowMs() + AGAIN_MS < untilMs) this.#alarm.set(AGAIN_MS, () => void this.#try(untilMs, turn))
    }
  }
}
