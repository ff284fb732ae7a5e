/** Where the last seen number is kept between two starts of an app: one place for each user. */
export interface CursorStore {
  get(): number | null | Promise<number | null>
  set(seq: number): void | Promise<void>
}

/** Writes the latest number alone, one write at a time, so that a slow store never ends with an old one. */
export class CursorKeeper {
  readonly #store: CursorStore
  readonly #onError: (error: unknown) => void
  #next: number | null = null
  #writing: Promise<void> | null = null

  constructor(store: CursorStore, onError: (error: unknown) => void) {
    this.#store = store
    this.#onError = onError
  }

  /** Null where nothing is kept, or it cannot be read: then the snapshot shows how things stand. */
  async read(): Promise<number | null> {
    try {
      const seq = await this.#store.get()
      return Number.isSafeInteger(seq) && (seq as number) >= 0 ? seq : null
    } catch (error) {
      this.#onError(error)
      return null
    }
  }

  note(seq: number): void {
    this.#next = seq
    this.#writing ??= this.#write()
  }

  /** Until everything is written. */
  async settled(): Promise<void> {
    await this.#writing
  }

  async #write(): Promise<void> {
    while (this.#next !== null) {
      const seq = this.#next
      this.#next = null
      try {
        await this.#store.set(seq)
      } catch (error) {
        this.#onError(error)
      }
    }
    this.#writing = null
  }
}
