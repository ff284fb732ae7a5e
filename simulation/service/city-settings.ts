import { DEFAULT_SETTINGS, type DispatchSettings } from '../../src/matching/dispatch/settings.ts'
import type { DispatchPolicy } from '../../src/matching/trips/trip.ts'
import { ROAD_FACTOR } from '../city.ts'

const DRIVERS_KMH = 25
/** Below this a process would do nothing but look at its clock. */
const LEAST_MS = 50

/**
 * The service's own defaults on the city's clock, where everything goes so many times faster: what the service measures by its own clock
 * is shorter, and a second by it weighs more. Distances, and times that come of them, are the city's already.
 */
export function citySettings(policy: DispatchPolicy, speed: number): DispatchSettings {
  const { weights, offerMs, biddingMs, windowMs, retryMs, noDriversMs, matchTimeoutMs } = DEFAULT_SETTINGS
  const faster = (ms: number) => Math.max(LEAST_MS, Math.round(ms / speed))
  return {
    ...DEFAULT_SETTINGS,
    policy,
    offerMs: faster(offerMs),
    biddingMs: faster(biddingMs),
    windowMs: faster(windowMs),
    retryMs: faster(retryMs),
    noDriversMs: faster(noDriversMs),
    matchTimeoutMs: faster(matchTimeoutMs),
    weights: {
      ...weights,
      idle: weights.idle * speed,
      age: weights.age * speed,
      wait: weights.wait * speed,
    },
    route: { roadFactor: ROAD_FACTOR, speedKmh: DRIVERS_KMH },
  }
}

/** How long a driver without a socket is waited for: half a minute of the city, and no shorter than a phone needs to come back. */
export function graceMs(speed: number): number {
  return Math.max(GRACE_LEAST_MS, Math.round(CITY_GRACE_MS / speed))
}

const CITY_GRACE_MS = 30_000
const GRACE_LEAST_MS = 5_000
