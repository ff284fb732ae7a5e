import { assert } from '../../base/assert.ts'
import type { Clock } from '../../base/clock.ts'
import { within } from '../../base/within.ts'
import type { Push } from '../../feed/envelope.ts'
import type { DispatchRules, RouteSettings } from '../dispatch/settings.ts'
import type { LiveDriver } from './live-driver.ts'
import type { Position } from './nearby.ts'
import type { ActiveRide } from './ride-store.ts'
import type { Estimate, RouteEstimator } from './route-estimate.ts'

export interface RideTrackerOptions {
  /** Must not reject. */
  readonly publish: (pushes: readonly Push[]) => Promise<unknown>
  readonly estimate: RouteEstimator
  readonly rules: DispatchRules
  readonly clock: Clock
}

/** Where a driver of a ride says that he is. */
export interface Sighting {
  readonly position: Position
  /** Metres a second; null: not known. */
  readonly speed: number | null
  /** Degrees from north; null: not known. */
  readonly heading: number | null
  /** Wall clock, milliseconds. */
  readonly atMs: number
}

/** A driver on his ride. */
export interface Tracked {
  readonly driverId: string
  readonly ride: ActiveRide
  readonly sighting: Sighting
}

/** What comes within so long is estimated and published together. */
const TOGETHER_MS = 40
/** A position without its time is worth more than one that is late. */
const ESTIMATE_TIMEOUT_MS = 500

/** Tells those who follow a ride where its driver is, and how far he has to go. */
export class RideTracker {
  readonly #options: RideTrackerOptions
  /** By ride: of several positions of one turn the last is told. */
  readonly #waiting = new Map<string, Tracked>()
  #timer: NodeJS.Timeout | undefined

  constructor(options: RideTrackerOptions) {
    this.#options = options
  }

  /** The driver is there; told in a moment. Never throws. */
  tell(tracked: Tracked): void {
    this.#waiting.set(tracked.ride.rideId, tracked)
    this.#timer ??= setTimeout(() => void this.send(), TOGETHER_MS)
  }

  /** Publishes what waits. Never rejects. */
  async send(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const all = [...this.#waiting.values()]
    this.#waiting.clear()
    if (all.length === 0) return
    const updates = await this.updates(all)
    await this.#options.publish(
      updates.map((data, n) => ({
        rideId: data.rideId,
        latestOf: all[n]?.driverId ?? '',
        event: 'driver:location:update',
        data,
      })),
    )
  }

  /** What is told of each; without distance and time where the ride's target is not known or the estimator fails. Never rejects. */
  async updates(all: readonly Tracked[]): Promise<LocationUpdate[]> {
    const estimates = new Map<Tracked, Estimate>()
    const byRoute = Map.groupBy(
      all.filter(({ ride }) => ride.target !== null),
      ({ ride }) => this.#routeOf(ride),
    )
    await Promise.all(
      [...byRoute].map(async ([route, some]) => {
        const found = await this.#estimate(route, some)
        for (const [n, tracked] of some.entries()) {
          const estimate = found[n]
          if (estimate) estimates.set(tracked, estimate)
        }
      }),
    )
    const nowMs = this.#options.clock.nowMs()
    return all.map((tracked) => locationUpdate(tracked, estimates.get(tracked) ?? null, nowMs))
  }

  #routeOf({ workplace }: ActiveRide): RouteSettings {
    return this.#options.rules.settingsOf(workplace?.zoneId ?? null, workplace?.category ?? '').route
  }

  async #estimate(route: RouteSettings, some: readonly Tracked[]): Promise<readonly Estimate[]> {
    const legs = some.flatMap(({ ride, sighting }) =>
      ride.target === null ? [] : [{ from: sighting.position, to: ride.target }],
    )
    try {
      const asked = this.#options.estimate(legs, route)
      const found = asked instanceof Promise ? await within(ESTIMATE_TIMEOUT_MS, asked) : asked
      return found === 'late' ? [] : found
    } catch {
      return []
    }
  }
}

/** The data of `driver:location:update`. */
export type LocationUpdate = ReturnType<typeof locationUpdate>

function locationUpdate({ driverId, ride, sighting }: Tracked, estimate: Estimate | null, nowMs: number) {
  const { position, speed, heading, atMs } = sighting
  return {
    rideId: ride.rideId,
    driverId,
    location: { ...position, speed, heading },
    timestamp: atMs,
    ageMs: Math.max(nowMs - atMs, 0),
    distanceMeters: estimate?.distanceMeters ?? null,
    etaSeconds: estimate?.etaSeconds ?? null,
  }
}

/** A driver as he was seen last; he has said where he is. */
export function trackedOf(driver: LiveDriver, ride: ActiveRide, clock: Clock): Tracked {
  const { id: driverId, position, speed, heading, locatedAtMs } = driver
  assert(position !== null, 'a driver who was seen was somewhere')
  const atMs = Math.round(clock.nowMs() - (clock.monotonicMs() - locatedAtMs))
  return { driverId, ride, sighting: { position, speed, heading, atMs } }
}
