/** So many things may be done at once. Whoever asks waits for one place at least, in the order of asking. */
export class Slots {
  #free: number
  readonly #waiting: { readonly wanted: number; readonly give: (count: number) => void }[] = []

  constructor(count: number) {
    this.#free = count
  }

  /** Resolves with 1 to `wanted` places, as soon as there is one. */
  take(wanted: number): Promise<number> {
    return new Promise((give) => {
      this.#waiting.push({ wanted, give })
      this.#serve()
    })
  }

  /** Gives places back. */
  giveBack(count: number): void {
    this.#free += count
    this.#serve()
  }

  #serve(): void {
    while (this.#free > 0) {
      const next = this.#waiting.shift()
      if (next === undefined) return
      const count = Math.min(next.wanted, this.#free)
      this.#free -= count
      next.give(count)
    }
  }
}
