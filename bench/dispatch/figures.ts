import { giniOf, meanOf, type Spread, spreadOf } from '../../simulation/statistics.ts'
import type { Search } from './search.ts'
import type { Town } from './town.ts'

/** What one evening has shown. Distances in metres of road, times in seconds. */
export interface Evening {
  readonly requests: number
  /** Of those whose rider did not change his mind. */
  readonly servedPercent: number
  readonly pickupMeters: Spread
  /** From the request to the driver who came. */
  readonly matchSeconds: Spread
  /** From the request until a driver is there. */
  readonly waitSeconds: Spread
  readonly offersPerTrip: number
  /** Of the time that drivers were under way to riders or with them. */
  readonly workGini: number
  /** What was driven to pickups ÷ the least that could have been, window by window. */
  readonly toOptimum: number
}

const NOTHING: Spread = { count: 0, mean: 0, p50: 0, p95: 0, worst: 0 }

/** Throws where an evening does not add up. */
export function eveningOf({ searches, cabs, optimum }: Town): Evening {
  const lost = searches.filter(({ end }) => end === null)
  if (lost.length > 0) throw new Error(`${lost.length} requests have no end`)
  const wanted = searches.filter(({ end }) => end !== 'changed_mind')
  const served = wanted.filter(({ end }) => end === 'completed')
  const totals = optimum.totals()
  return {
    requests: searches.length,
    servedPercent: (100 * served.length) / wanted.length,
    pickupMeters: spreadOf(served.map(({ pickupMeters }) => pickupMeters)) ?? NOTHING,
    matchSeconds: secondsOf(served, ({ matchedAtMs }) => matchedAtMs),
    waitSeconds: secondsOf(served, ({ pickedUpAtMs }) => pickedUpAtMs),
    offersPerTrip: meanOf(searches.map(({ offers }) => offers.length)),
    workGini: giniOf(cabs.map(({ busyMs }) => busyMs)),
    toOptimum: totals.driven / totals.least,
  }
}

function secondsOf(served: readonly Search[], until: (search: Search) => number | null): Spread {
  return spreadOf(served.map((search) => ((until(search) ?? 0) - search.request.atMs) / 1_000)) ?? NOTHING
}

/** The mean of several evenings; of the worst, the worst. */
export function meanEvening(evenings: readonly Evening[]): Evening {
  const of = (value: (evening: Evening) => number) => meanOf(evenings.map(value))
  const spread = (value: (evening: Evening) => Spread): Spread => ({
    count: of((evening) => value(evening).count),
    mean: of((evening) => value(evening).mean),
    p50: of((evening) => value(evening).p50),
    p95: of((evening) => value(evening).p95),
    worst: Math.max(...evenings.map((evening) => value(evening).worst)),
  })
  return {
    requests: of(({ requests }) => requests),
    servedPercent: of(({ servedPercent }) => servedPercent),
    pickupMeters: spread(({ pickupMeters }) => pickupMeters),
    matchSeconds: spread(({ matchSeconds }) => matchSeconds),
    waitSeconds: spread(({ waitSeconds }) => waitSeconds),
    offersPerTrip: of(({ offersPerTrip }) => offersPerTrip),
    workGini: of(({ workGini }) => workGini),
    toOptimum: of(({ toOptimum }) => toOptimum),
  }
}
