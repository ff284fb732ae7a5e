import type { DriverRecord, RideEnd, RideRecord, Work } from './ride-record.ts'
import { type Bin, binsOf, giniOf, meanOf, type Spread, spreadOf } from './statistics.ts'

/** How the city stood at a moment. */
export interface Moment {
  readonly atMs: number
  readonly waiting: number
  readonly idle: number
  readonly toPickup: number
  readonly riding: number
  readonly away: number
}

/** What the database says of the offers. */
export interface OfferCounts {
  /** Of each trip that was asked for. */
  readonly perTrip: readonly number[]
  readonly byState: Readonly<Record<string, number>>
}

export interface Evidence {
  readonly rides: readonly RideRecord[]
  readonly drivers: readonly DriverRecord[]
  readonly offers: OfferCounts
  readonly timeline: readonly Moment[]
  readonly closedAtMs: number
}

/** What a simulation has shown. Times in seconds of the city, distances in metres of road. */
export interface Figures {
  readonly requests: number
  /** A driver came, or was on his way when the city closed. */
  readonly served: number
  readonly unserved: number
  /** Of those that were decided; who changed his mind, and who still waited at the end, is left out. */
  readonly servedPercent: number
  readonly ends: Readonly<Partial<Record<RideEnd, number>>>
  readonly reassigned: number
  readonly pickupMeters: Spread | null
  readonly pickupSeconds: Spread | null
  readonly matchSeconds: Spread | null
  readonly waitSeconds: Spread | null
  readonly offersPerTrip: Spread | null
  readonly offersByState: Readonly<Record<string, number>>
  readonly fairness: Fairness
  readonly histograms: {
    readonly pickupMeters: readonly Bin[]
    readonly matchSeconds: readonly Bin[]
    readonly offersPerTrip: readonly Bin[]
    readonly ridesPerDriver: readonly Bin[]
  }
  readonly timeline: readonly Moment[]
}

export interface Fairness {
  readonly ridesGini: number
  readonly busyGini: number
  /** Of all drivers' time, which part they were under way to riders or with them. */
  readonly busyPercent: number
  readonly ridesMean: number
  readonly ridesMost: number
  readonly ridesLeast: number
  /** The part of all work that the first such part of the drivers did, the least busy first. */
  readonly lorenz: readonly { readonly drivers: number; readonly work: number }[]
}

const SERVED: readonly RideEnd[] = ['completed']
const LEFT_OUT: readonly RideEnd[] = ['changed_mind', 'closed']

/** Pure. */
export function figuresOf(evidence: Evidence): Figures {
  const { rides, drivers, offers, timeline } = evidence
  const ends = countBy(rides.flatMap(({ end }) => (end === null ? [] : [end.how])))
  const served = rides.filter(({ end }) => end !== null && SERVED.includes(end.how)).length
  const left = rides.filter(({ end }) => end !== null && LEFT_OUT.includes(end.how)).length
  const unserved = rides.length - served - left
  const work = drivers.flatMap(({ works }) => works).filter((one) => one.takenAtMs <= evidence.closedAtMs)
  const pickupMeters = work.map((one) => one.pickupMeters)
  const matchSeconds = matchSecondsOf(evidence)
  const ridesPerDriver = drivers.map(({ works }) => works.length)
  return {
    ...{ requests: rides.length, served, unserved, ends, timeline, offersByState: offers.byState },
    servedPercent: served + unserved === 0 ? 0 : (100 * served) / (served + unserved),
    reassigned: rides.filter(({ matches }) => matches.length > 1).length,
    pickupMeters: spreadOf(pickupMeters),
    pickupSeconds: spreadOf(work.map((one) => pickupSecondsOf(one, evidence.closedAtMs))),
    matchSeconds: spreadOf(matchSeconds),
    waitSeconds: spreadOf(waitSecondsOf(evidence, work)),
    offersPerTrip: spreadOf(offers.perTrip),
    fairness: fairnessOf(evidence),
    histograms: {
      pickupMeters: binsOf(pickupMeters, 250, 40),
      matchSeconds: binsOf(matchSeconds, 5, 36),
      offersPerTrip: binsOf(offers.perTrip, 1, 21),
      ridesPerDriver: binsOf(ridesPerDriver, 1, 30),
    },
  }
}

function matchSecondsOf({ rides, closedAtMs }: Evidence): number[] {
  return rides.flatMap(({ askedAtMs, matches: [first] }) =>
    askedAtMs === null || first === undefined || first.atMs > closedAtMs
      ? []
      : [(first.atMs - askedAtMs) / 1_000],
  )
}

/** Until the driver came who drove him in the end, or is to come. */
function waitSecondsOf({ rides, closedAtMs }: Evidence, work: readonly Work[]): number[] {
  const last = new Map(work.map((one) => [one.rideId, one]))
  return rides.flatMap(({ askedAtMs, rideId }) => {
    const one = rideId === null ? undefined : last.get(rideId)
    return askedAtMs === null || one === undefined
      ? []
      : [(one.takenAtMs - askedAtMs) / 1_000 + pickupSecondsOf(one, closedAtMs)]
  })
}

/** As it was; of a driver who was still on his way when the city closed, as long as that way is. */
function pickupSecondsOf({ takenAtMs, arrivedAtMs, pickupMs }: Work, closedAtMs: number): number {
  const hasArrived = arrivedAtMs !== null && arrivedAtMs <= closedAtMs
  return (hasArrived ? arrivedAtMs - takenAtMs : pickupMs) / 1_000
}

const LORENZ_STEPS = 20

function fairnessOf({ drivers, closedAtMs }: Evidence): Fairness {
  const rides = drivers.map(({ works }) => works.length)
  const busyMs = drivers.map(({ works }) => busyMsOf(works, closedAtMs)).toSorted((a, b) => a - b)
  const totalMs = busyMs.reduce((sum, ms) => sum + ms, 0)
  const lorenz = Array.from({ length: LORENZ_STEPS + 1 }, (_, step) => {
    const part = step / LORENZ_STEPS
    const done = busyMs.slice(0, Math.round(part * busyMs.length)).reduce((sum, ms) => sum + ms, 0)
    return { drivers: part, work: totalMs === 0 ? part : done / totalMs }
  })
  return {
    ...{ ridesGini: giniOf(rides), busyGini: giniOf(busyMs), lorenz },
    busyPercent: (100 * totalMs) / Math.max(1, closedAtMs * drivers.length),
    ridesMean: meanOf(rides),
    ridesMost: Math.max(0, ...rides),
    ridesLeast: rides.length === 0 ? 0 : Math.min(...rides),
  }
}

function busyMsOf(works: readonly Work[], closedAtMs: number): number {
  return works
    .map(({ takenAtMs, endedAtMs }) => Math.min(endedAtMs ?? closedAtMs, closedAtMs) - takenAtMs)
    .reduce((sum, ms) => sum + Math.max(0, ms), 0)
}

function countBy<Word extends string>(words: readonly Word[]): Partial<Record<Word, number>> {
  const counts: Partial<Record<Word, number>> = {}
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1
  return counts
}
