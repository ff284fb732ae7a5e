import type { RouteSettings } from '../dispatch/settings.ts'
import type { Position } from './nearby.ts'

/** A way from one place to another. */
export interface Leg {
  readonly from: Position
  readonly to: Position
}

/** What a way costs by road; whole numbers. */
export interface Estimate {
  readonly distanceMeters: number
  readonly etaSeconds: number
}

/**
 * Says for each leg, in their order, how far it is and how long it takes. One that asks a routing service rejects where that does not
 * answer; whoever calls it does so outside of transactions.
 */
export type RouteEstimator = (
  legs: readonly Leg[],
  route: RouteSettings,
) => Promise<readonly Estimate[]> | readonly Estimate[]

/** The mean radius of the earth (IUGG R1); a sphere is wrong by half a percent at most. */
const EARTH_METERS = 6_371_008.8
const SECONDS_PER_HOUR = 3_600
const METERS_PER_KM = 1_000

/** The default estimator: the straight line, made longer by the road factor, at one speed. Pure. */
export function straightLine(legs: readonly Leg[], { roadFactor, speedKmh }: RouteSettings): Estimate[] {
  return legs.map(({ from, to }) => {
    const meters = straightMeters(from, to) * roadFactor
    const seconds = (meters / (speedKmh * METERS_PER_KM)) * SECONDS_PER_HOUR
    return { distanceMeters: Math.round(meters), etaSeconds: Math.round(seconds) }
  })
}

/** Metres along the great circle between two places (haversine, which stays exact for near ones). Pure. */
export function straightMeters(a: Position, b: Position): number {
  const latitudes = Math.sin(radians(b.latitude - a.latitude) / 2) ** 2
  const longitudes = Math.sin(radians(b.longitude - a.longitude) / 2) ** 2
  const square = latitudes + Math.cos(radians(a.latitude)) * Math.cos(radians(b.latitude)) * longitudes
  // Rounding may bring the square of opposite places above one.
  return 2 * EARTH_METERS * Math.asin(Math.sqrt(Math.min(square, 1)))
}

function radians(degrees: number): number {
  return (degrees * Math.PI) / 180
}
