/** One piece of work. Resolves with null when it is done, or with how many milliseconds later it wants to be tried again. Never rejects. */
export type LaneJob = () => Promise<number | null>

export interface LanesOptions {
  /** How many jobs are at work at once. */
  readonly concurrency: number
  /** How many may be there at all, waiting and at work. */
  readonly capacity: number
}

/** The jobs of one name, oldest first. */
interface Lane {
  readonly jobs: LaneJob[]
  timer: NodeJS.Timeout | null
}

/**
 * Work in the order of its coming within a name, and beside each other between names, with a bound on both. A job that
 * waits for another try holds up its own lane and nobody else.
 */
export class Lanes {
  readonly #options: LanesOptions
  readonly #lanes = new Map<string, Lane>()
  readonly #ready: string[] = []
  #count = 0
  #working = 0
  #isClosed = false
  #whenEmpty: PromiseWithResolvers<void> | null = null

  constructor(options: LanesOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#count
  }

  /** False where there is no room, or after the end: the job was not taken. */
  push(name: string, job: LaneJob): boolean {
    if (this.#isClosed || this.#count >= this.#options.capacity) return false
    this.#count += 1
    const lane = this.#lanes.get(name)
    if (lane) lane.jobs.push(job)
    else {
      this.#lanes.set(name, { jobs: [job], timer: null })
      this.#ready.push(name)
      this.#next()
    }
    return true
  }

  /** Takes nothing more and waits for what is there, at most `timeoutMs`; returns how many jobs were left undone. */
  async close(timeoutMs: number): Promise<number> {
    this.#isClosed = true
    if (this.#count > 0) {
      this.#whenEmpty = Promise.withResolvers()
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, timeoutMs)
      })
      await Promise.race([this.#whenEmpty.promise, late])
      clearTimeout(timer)
    }
    for (const { timer } of this.#lanes.values()) if (timer !== null) clearTimeout(timer)
    this.#lanes.clear()
    this.#ready.length = 0
    return this.#count
  }

  #next(): void {
    while (this.#working < this.#options.concurrency) {
      const name = this.#ready.shift()
      const lane = name === undefined ? undefined : this.#lanes.get(name)
      if (name === undefined || !lane) return
      this.#working += 1
      void this.#work(name, lane)
    }
  }

  async #work(name: string, lane: Lane): Promise<void> {
    const againMs = (await lane.jobs[0]?.()) ?? null
    this.#working -= 1
    if (againMs === null) this.#done(name, lane)
    else if (this.#lanes.get(name) === lane) {
      lane.timer = setTimeout(() => {
        lane.timer = null
        this.#ready.push(name)
        this.#next()
      }, againMs)
    }
    this.#next()
  }

  #done(name: string, lane: Lane): void {
    lane.jobs.shift()
    this.#count -= 1
    if (lane.jobs.length > 0) this.#ready.push(name)
    else this.#lanes.delete(name)
    if (this.#count === 0) this.#whenEmpty?.resolve()
  }
}
