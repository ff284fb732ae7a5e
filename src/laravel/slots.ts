/** So many things may be done at once. Whoever asks waits, in the order of asking, until a few places are free. */
export class Slots {
  #free: number
  readonly #atOnce: number
  readonly #waiting: { readonly wanted: number; readonly give: (count: number) => void }[] = []

  /** `atOnce`: nobody who wants so many gets fewer. */
  constructor(count: number, atOnce: number) {
    this.#free = count
    this.#atOnce = atOnce
  }

  /** Resolves with up to `wanted` places: all that are free, as soon as these are `wanted` or `atOnce`. */
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
    for (;;) {
      const next = this.#waiting[0]
      if (next === undefined || this.#free < Math.min(next.wanted, this.#atOnce)) return
      this.#waiting.shift()
      const count = Math.min(next.wanted, this.#free)
      this.#free -= count
      next.give(count)
    }
  }
}
