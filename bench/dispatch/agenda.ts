/** What is to happen when, on the city's clock: what is planned for the same moment happens in the order of planning. */
export class Agenda {
  readonly #entries: Entry[] = []
  #planned = 0
  #nowMs = 0

  get nowMs(): number {
    return this.#nowMs
  }

  /** What lies in the past happens next. */
  at(atMs: number, work: () => void): void {
    this.#planned += 1
    const entry = { atMs: Math.max(atMs, this.#nowMs), order: this.#planned, work }
    let index = this.#entries.push(entry) - 1
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (!isBefore(entry, this.#of(parent))) break
      this.#entries[index] = this.#of(parent)
      index = parent
    }
    this.#entries[index] = entry
  }

  after(ms: number, work: () => void): void {
    this.at(this.#nowMs + ms, work)
  }

  /** Until nothing is planned any more. */
  run(): void {
    for (let next = this.#take(); next !== undefined; next = this.#take()) {
      this.#nowMs = next.atMs
      next.work()
    }
  }

  #take(): Entry | undefined {
    const first = this.#entries[0]
    const last = this.#entries.pop()
    if (first === undefined || last === undefined || first === last) return first
    let index = 0
    for (;;) {
      let child = 2 * index + 1
      if (child >= this.#entries.length) break
      if (child + 1 < this.#entries.length && isBefore(this.#of(child + 1), this.#of(child))) child += 1
      if (!isBefore(this.#of(child), last)) break
      this.#entries[index] = this.#of(child)
      index = child
    }
    this.#entries[index] = last
    return first
  }

  #of(index: number): Entry {
    const entry = this.#entries[index]
    if (entry === undefined) throw new Error('no such entry')
    return entry
  }
}

interface Entry {
  readonly atMs: number
  readonly order: number
  readonly work: () => void
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
}
