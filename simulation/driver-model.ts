import { type City, type Point, placeIn } from './city.ts'
import type { Random } from './random.ts'

/**
 * A time in which a driver's phone is not what it should be. silent: it is connected, but says and hears nothing. disconnected: it has
 * no connection. break: the driver says that he does not work.
 */
export const OUTAGE_KINDS = ['silent', 'disconnected', 'break'] as const
export interface Outage {
  readonly kind: (typeof OUTAGE_KINDS)[number]
  readonly fromMs: number
  readonly toMs: number
}

/** A driver and his ways. Times on the city's clock, in milliseconds since the beginning. */
export interface DriverPlan {
  readonly index: number
  readonly driverId: string
  readonly start: Point
  readonly speedKmh: number
  /** He declines such a part of the rides that are at his door … */
  readonly baseDecline: number
  /** … and takes a ride e times less often for each so many metres of road to it. */
  readonly reachMeters: number
  /** He does not look at such a part of his offers. */
  readonly ignores: number
  /** How long he thinks: the median. */
  readonly thinkMs: number
  /** Such a part of the rides that he took he gives up before he is there. */
  readonly givesUp: number
  /** In the order of time; none overlaps another. */
  readonly outages: readonly Outage[]
}

export interface FleetOptions {
  readonly city: City
  readonly drivers: number
  readonly minutes: number
  readonly random: Random
}

const MINUTE_MS = 60_000
/** An outage of each kind comes to a driver once in so many minutes, and lasts so long, on average. */
const OUTAGES: Readonly<Record<Outage['kind'], { readonly everyMinutes: number; readonly lastsMs: number }>> =
  {
    silent: { everyMinutes: 60, lastsMs: 90_000 },
    disconnected: { everyMinutes: 40, lastsMs: 60_000 },
    break: { everyMinutes: 90, lastsMs: 6 * MINUTE_MS },
  }
const OUTAGE_LEAST_MS = 10_000

/** All drivers, the same for the same seed. A larger fleet begins with those of a smaller one. */
export function fleetOf({ city, drivers, minutes, random }: FleetOptions): readonly DriverPlan[] {
  return Array.from({ length: drivers }, (_, index) =>
    driverOf(city, index, minutes, random.split('driver', index)),
  )
}

function driverOf(city: City, index: number, minutes: number, random: Random): DriverPlan {
  return {
    index,
    driverId: `driver-${String(index + 1).padStart(4, '0')}`,
    start: placeIn(city, random),
    speedKmh: random.between(21, 29),
    baseDecline: random.between(0.02, 0.14),
    reachMeters: random.between(7_000, 18_000),
    ignores: random.between(0, 0.1),
    thinkMs: random.between(2_500, 6_000),
    givesUp: random.between(0, 0.04),
    outages: outagesOf(minutes, random.split('outages')),
  }
}

function outagesOf(minutes: number, random: Random): readonly Outage[] {
  const found = OUTAGE_KINDS.flatMap((kind) => outagesOfKind(kind, minutes, random.split(kind)))
  found.sort((a, b) => a.fromMs - b.fromMs)
  let endMs = 0
  return found.filter(({ fromMs, toMs }) => {
    if (fromMs < endMs) return false
    endMs = toMs
    return true
  })
}

function outagesOfKind(kind: Outage['kind'], minutes: number, random: Random): Outage[] {
  const { everyMinutes, lastsMs } = OUTAGES[kind]
  const outages: Outage[] = []
  let atMs = random.exponential(everyMinutes * MINUTE_MS)
  while (atMs < minutes * MINUTE_MS) {
    const toMs = atMs + Math.max(OUTAGE_LEAST_MS, random.exponential(lastsMs))
    outages.push({ kind, fromMs: Math.round(atMs), toMs: Math.round(toMs) })
    atMs = toMs + random.exponential(everyMinutes * MINUTE_MS)
  }
  return outages
}

/** How likely he takes a ride whose pickup is so far by road. */
export function acceptProbability(
  { baseDecline, reachMeters }: Pick<DriverPlan, 'baseDecline' | 'reachMeters'>,
  pickupMeters: number,
): number {
  return (1 - baseDecline) * Math.exp(-pickupMeters / reachMeters)
}

/** ignore: he says nothing at all. */
export interface DriverAnswer {
  readonly kind: 'accept' | 'reject' | 'ignore'
  /** After the offer came to his phone. */
  readonly afterMs: number
}

/** What he says to an offer whose pickup is so far by road; `random` is this offer's own. */
export function answerOf(plan: DriverPlan, pickupMeters: number, random: Random): DriverAnswer {
  const afterMs = Math.round(random.logNormal(plan.thinkMs, 0.5))
  const isIgnored = random.chance(plan.ignores)
  const isWilling = random.chance(acceptProbability(plan, pickupMeters))
  return { kind: isIgnored ? 'ignore' : isWilling ? 'accept' : 'reject', afterMs }
}

/** What he asks of a rider who lets drivers bid: about the estimate, more where the way to him is long. */
export function bidOf(estimatedFareMinor: number, pickupMeters: number, random: Random): number {
  const wish = 1 + (pickupMeters / 1_000) * 0.03 + random.between(-0.1, 0.15)
  return Math.max(1, Math.round(estimatedFareMinor * wish))
}
