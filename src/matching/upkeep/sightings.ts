import type { Clock } from '../../base/clock.ts'

export interface SightingsOptions {
  /** What stands as it was for so long is not about to change by itself. */
  readonly graceMs: number
  /** So many are kept in mind; more wait for a later pass. */
  readonly limit: number
  readonly clock: Clock
}

interface Sighting {
  as: string
  sinceMs: number
  pass: number
}

/**
 * What looks wrong, and for how long it has stood so, by this process's own clock: what Laravel writes when it changed a row need not be
 * true. Who looks passes by all of it again and again; what a pass does not meet any more has come right.
 */
export class Sightings {
  readonly #options: SightingsOptions
  readonly #seen = new Map<string, Sighting>()
  #pass = 0

  constructor(options: SightingsOptions) {
    this.#options = options
  }

  /** Notes that `key` stands `as` this; true when it has for longer than the grace. */
  stands(key: string, as: string): boolean {
    const nowMs = this.#options.clock.monotonicMs()
    const known = this.#seen.get(key)
    if (known?.as === as) {
      known.pass = this.#pass
      return nowMs - known.sinceMs >= this.#options.graceMs
    }
    if (known === undefined && this.#seen.size >= this.#options.limit) return false
    this.#seen.set(key, { as, sinceMs: nowMs, pass: this.#pass })
    return this.#options.graceMs === 0
  }

  /** A pass has met all that there is. */
  endPass(): void {
    for (const [key, { pass }] of this.#seen) if (pass < this.#pass) this.#seen.delete(key)
    this.#pass += 1
  }

  forget(): void {
    this.#seen.clear()
  }
}
