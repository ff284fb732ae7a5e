/** Counts what is being subscribed late, and tells once when all of it has been answered. */
export class Restoration {
  readonly #onRestored: () => void
  #pending = 0
  #hasRestored = false

  constructor(onRestored: () => void) {
    this.#onRestored = onRestored
  }

  get isPending(): boolean {
    return this.#pending > 0
  }

  begin(): void {
    this.#pending++
  }

  /** What was refused is not told of: it will be asked for again. */
  end(isSubscribed: boolean): void {
    this.#pending--
    if (isSubscribed) this.#hasRestored = true
    if (this.#pending > 0 || !this.#hasRestored) return
    this.#hasRestored = false
    this.#onRestored()
  }

  /** The connection is lost, and with it all answers. */
  reset(): void {
    this.#pending = 0
    this.#hasRestored = false
  }
}
