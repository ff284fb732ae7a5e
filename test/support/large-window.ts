import { randomOf } from '../../simulation/random.ts'
import type { WaitingTrip } from '../../src/matching/dispatch/policy.ts'
import { candidateOf, tripOf } from './waiting-trips.ts'

interface Place {
  readonly x: number
  readonly y: number
}

const CITY_METERS = 12_000
const METERS_PER_SECOND = 25 / 3.6
const ROAD_FACTOR = 1.3

/** Trips and drivers anywhere in a city, each trip with its nearest drivers; the same for the same seed. */
export function largeWindow(options: {
  readonly trips: number
  readonly drivers: number
  readonly nearest: number
  readonly seed: string
}): readonly WaitingTrip[] {
  const random = randomOf(options.seed)
  const place = (): Place => ({ x: random.between(0, CITY_METERS), y: random.between(0, CITY_METERS) })
  const drivers = Array.from({ length: options.drivers }, (_, number) => ({ number, ...place() }))
  return Array.from({ length: options.trips }, (_, number) => {
    const pickup = place()
    const near = drivers
      .map((driver) => ({
        id: `driver-${driver.number}`,
        etaSeconds: (Math.hypot(driver.x - pickup.x, driver.y - pickup.y) * ROAD_FACTOR) / METERS_PER_SECOND,
      }))
      .sort((a, b) => a.etaSeconds - b.etaSeconds)
      .slice(0, options.nearest)
    return tripOf(
      `trip-${number}`,
      near.map(({ id, etaSeconds }) => candidateOf(id, { etaSeconds })),
      random.below(60_000),
    )
  })
}
