import type { Clock } from '../base/clock.ts'
import type { LimitRule } from './rules.ts'
import type { Window } from './window.ts'

/** Some 10 MB: a flood of new callers while Redis is away must not become a flood of memory. */
const MAX_CALLERS = 50_000

/**
 * Counts in this process's memory, by the same rule as Redis does: a window begins with a caller's first request. Beyond
 * `maxCallers` the one whose window began first is forgotten, which at worst gives him a new window too early.
 */
export class Insurance {
  readonly #clock: Clock
  readonly #maxCallers: number
  /** In the order in which their windows began. */
  readonly #windows = new Map<string, { used: number; readonly endsAtMs: number }>()

  constructor(clock: Clock, maxCallers = MAX_CALLERS) {
    this.#clock = clock
    this.#maxCallers = maxCallers
  }

  /** Counts these points for the caller. */
  take(key: string, points: number, rule: LimitRule): Window {
    const nowMs = this.#clock.monotonicMs()
    const window = this.#windows.get(key)
    if (window === undefined || window.endsAtMs <= nowMs) return this.#begin(key, points, rule, nowMs)
    window.used += points
    return { used: window.used, leftMs: window.endsAtMs - nowMs }
  }

  #begin(key: string, points: number, rule: LimitRule, nowMs: number): Window {
    const leftMs = rule.seconds * 1_000
    // Deleted first, so that it goes to the end of the map's order.
    this.#windows.delete(key)
    if (this.#windows.size >= this.#maxCallers) {
      const [oldest = ''] = this.#windows.keys()
      this.#windows.delete(oldest)
    }
    this.#windows.set(key, { used: points, endsAtMs: nowMs + leftMs })
    return { used: points, leftMs }
  }
}
