import { type City, type Point, placeIn, roadMeters, within } from './city.ts'
import type { Random } from './random.ts'

/** Somebody wants a ride. Times on the city's clock, in milliseconds since the beginning. */
export interface RideRequest {
  readonly index: number
  readonly riderId: string
  readonly atMs: number
  readonly pickup: Point
  readonly destination: Point
  /** So long he waits for a driver to be found, then he gives up. */
  readonly patienceMs: number
  /** So long after a driver was found he changes his mind; null: he does not. */
  readonly regretMs: number | null
  readonly estimatedFareMinor: number
}

export interface DemandOptions {
  readonly city: City
  readonly perMinute: number
  readonly minutes: number
  readonly random: Random
}

const MINUTE_MS = 60_000
const PATIENCE_MEDIAN_MS = 4 * MINUTE_MS
const PATIENCE_LEAST_MS = 30_000
const REGRET = 0.03
const REGRET_MEAN_MS = 90_000
/** How far people go, as the crow flies. */
const RIDE_MEDIAN_METERS = 3_200
const RIDE_SIGMA = 0.5
const RIDE_LEAST_METERS = 700
const TRIES = 12
/** Piastres: to get in, and for a kilometre. */
const FARE_BASE_MINOR = 1_500
const FARE_PER_KM_MINOR = 600

/** Who asks for a ride when, ordered by time: requests come by chance, so many a minute on average. The same for the same seed. */
export function demandOf({ city, perMinute, minutes, random }: DemandOptions): readonly RideRequest[] {
  const arrivals = random.split('arrivals')
  const requests: RideRequest[] = []
  let atMs = arrivals.exponential(MINUTE_MS / perMinute)
  while (atMs < minutes * MINUTE_MS) {
    requests.push(requestOf(city, requests.length, atMs, random.split('request', requests.length)))
    atMs += arrivals.exponential(MINUTE_MS / perMinute)
  }
  return requests
}

function requestOf(city: City, index: number, atMs: number, random: Random): RideRequest {
  const pickup = placeIn(city, random)
  const destination = destinationOf(city, pickup, random)
  const patienceMs = Math.max(PATIENCE_LEAST_MS, random.logNormal(PATIENCE_MEDIAN_MS, 0.6))
  return {
    index,
    riderId: `rider-${String(index + 1).padStart(5, '0')}`,
    atMs: Math.round(atMs),
    pickup,
    destination,
    patienceMs: Math.round(patienceMs),
    regretMs: random.chance(REGRET) ? Math.round(random.exponential(REGRET_MEAN_MS)) : null,
    estimatedFareMinor: fareOf(pickup, destination),
  }
}

/** Of some places that people go to the one whose distance is likeliest: hot spots draw, and few cross the whole city. */
function destinationOf(city: City, pickup: Point, random: Random): Point {
  const wanted = Math.max(RIDE_LEAST_METERS, random.logNormal(RIDE_MEDIAN_METERS, RIDE_SIGMA))
  let best = pickup
  let bestMiss = Number.POSITIVE_INFINITY
  for (let n = 0; n < TRIES; n += 1) {
    const place = placeIn(city, random)
    const miss = Math.abs(Math.hypot(place.x - pickup.x, place.y - pickup.y) - wanted)
    if (miss < bestMiss) [best, bestMiss] = [place, miss]
  }
  const tooNear = Math.hypot(best.x - pickup.x, best.y - pickup.y) < RIDE_LEAST_METERS
  return tooNear ? awayFrom(city, pickup, wanted) : best
}

/** Towards the middle, so that it is in the city. */
function awayFrom(city: City, { x, y }: Point, meters: number): Point {
  const length = Math.hypot(x, y)
  const [east, north] = length === 0 ? [1, 0] : [-x / length, -y / length]
  return within(city, { x: x + east * meters, y: y + north * meters })
}

function fareOf(pickup: Point, destination: Point): number {
  return Math.round(FARE_BASE_MINOR + (roadMeters(pickup, destination) / 1_000) * FARE_PER_KM_MINOR)
}
