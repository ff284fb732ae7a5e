import { type Point, roadMeters } from '../../simulation/city.ts'
import { assign, NO_COLUMN } from '../../src/matching/dispatch/policies/assignment.ts'
import type { Cab } from './cab.ts'
import type { Search } from './search.ts'

/** Dearer than any way through the city: every trip that was served is served here, too. */
const ALONE = 1e9

/**
 * The best that could have been done, window by window: the trips that were given a driver by a decision of this window, and all who were
 * free and connected when it began, where they really were, put together so that the ways to the pickups are the shortest in total. It
 * knows of no declines, no stale positions, and no tomorrow.
 */
export class Optimum {
  readonly #windowMs: number
  /** Of each window in which anybody was asked, where the free drivers were at the first decision. */
  readonly #free = new Map<number, readonly Point[]>()
  readonly #served = new Map<number, Search[]>()

  constructor(windowMs: number) {
    this.#windowMs = windowMs
  }

  look(cabs: readonly Cab[], nowMs: number): void {
    const window = this.#windowOf(nowMs)
    if (this.#free.has(window)) return
    const free = cabs.filter((cab) => !cab.isBusy && !cab.isOnBreak && cab.outageAt(nowMs) === null)
    this.#free.set(
      window,
      free.map((cab) => cab.pointAt(nowMs)),
    )
  }

  /** A driver whom a decision had found drove it. */
  note(search: Search): void {
    const window = this.#windowOf(search.decidedAtMs)
    this.#served.set(window, [...(this.#served.get(window) ?? []), search])
  }

  /** What was driven to pickups, and the least that could have been, in metres of road. */
  totals(): { readonly driven: number; readonly least: number } {
    let driven = 0
    let least = 0
    for (const [window, served] of this.#served) {
      const best = leastMeters(
        served.map(({ request }) => request.pickup),
        this.#free.get(window) ?? [],
      )
      if (best === null) continue
      least += best
      driven += served.reduce((sum, { pickupMeters }) => sum + pickupMeters, 0)
    }
    return { driven, least }
  }

  #windowOf(ms: number): number {
    return Math.floor(ms / this.#windowMs)
  }
}

/** Null: not everybody can be served. */
function leastMeters(pickups: readonly Point[], drivers: readonly Point[]): number | null {
  const rows = pickups.map((pickup) =>
    drivers
      .map((driver, column) => ({ column, cost: Math.round(roadMeters(driver, pickup)) }))
      .sort((a, b) => a.cost - b.cost),
  )
  const columnOf = assign({
    columns: drivers.length,
    starts: Int32Array.from({ length: rows.length + 1 }, (_, row) => row * drivers.length),
    column: Int32Array.from(rows.flat(), ({ column }) => column),
    cost: Float64Array.from(rows.flat(), ({ cost }) => cost),
    alone: new Float64Array(rows.length).fill(ALONE),
  })
  if (columnOf.includes(NO_COLUMN)) return null
  return rows.reduce(
    (sum, row, index) => sum + (row.find(({ column }) => column === columnOf[index])?.cost ?? 0),
    0,
  )
}
