/** Time, so that tests need not wait for it. */
export interface ClientClock {
  /** Milliseconds since 1970. It goes on while the device sleeps, which is how a socket that died meanwhile is noticed. */
  nowMs(): number
  setTimeout(run: () => void, ms: number): unknown
  clearTimeout(timer: unknown): void
}

export const systemClock: ClientClock = {
  nowMs: () => Date.now(),
  setTimeout: (run, ms) => setTimeout(run, ms),
  clearTimeout: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
}

/** One thing that happens later, or not at all: setting it anew takes back what was set before. */
export class Alarm {
  readonly #clock: ClientClock
  #timer: unknown = null

  constructor(clock: ClientClock) {
    this.#clock = clock
  }

  get isSet(): boolean {
    return this.#timer !== null
  }

  set(ms: number, run: () => void): void {
    this.cancel()
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = null
      run()
    }, ms)
  }

  cancel(): void {
    if (this.#timer !== null) this.#clock.clearTimeout(this.#timer)
    this.#timer = null
  }
}
