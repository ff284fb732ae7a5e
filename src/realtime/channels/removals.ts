/** Names that are to go, but not at once: whoever comes back within one to two delays costs nothing. One timer, and none while there is nothing. */
export class Removals {
  readonly #delayMs: number
  /** Hears the names whose time is over. */
  readonly #onDue: (names: ReadonlySet<string>) => void
  #young = new Set<string>()
  #old = new Set<string>()
  #timer: NodeJS.Timeout | null = null

  constructor(delayMs: number, onDue: (names: ReadonlySet<string>) => void) {
    this.#delayMs = delayMs
    this.#onDue = onDue
  }

  add(name: string): void {
    if (this.#old.has(name)) return
    this.#young.add(name)
    this.#arm()
  }

  /** Whether it was to go. */
  rescue(name: string): boolean {
    return this.#young.delete(name) || this.#old.delete(name)
  }

  /** Takes all that is to go, due or not. */
  takeAll(): string[] {
    const all = [...this.#young, ...this.#old]
    this.#young.clear()
    this.#old.clear()
    return all
  }

  #arm(): void {
    this.#timer ??= setTimeout(() => this.#turn(), this.#delayMs).unref()
  }

  #turn(): void {
    this.#timer = null
    const due = this.#old
    this.#old = this.#young
    this.#young = new Set()
    if (this.#old.size > 0) this.#arm()
    if (due.size > 0) this.#onDue(due)
  }
}
