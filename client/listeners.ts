/** Those who want to hear of something. One that throws stops no other. */
export class Listeners<Arguments extends readonly unknown[]> {
  readonly #onError: (error: unknown) => void
  #all: readonly ((...args: Arguments) => unknown)[] = []

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError
  }

  /** Returns what takes it back. */
  add(listener: (...args: Arguments) => unknown): () => void {
    this.#all = [...this.#all, listener]
    return () => {
      this.#all = this.#all.filter((one) => one !== listener)
    }
  }

  get isEmpty(): boolean {
    return this.#all.length === 0
  }

  tell(...args: Arguments): void {
    for (const listener of this.#all) {
      try {
        const result = listener(...args)
        if (result instanceof Promise) result.catch(this.#onError)
      } catch (error) {
        this.#onError(error)
      }
    }
  }
}
