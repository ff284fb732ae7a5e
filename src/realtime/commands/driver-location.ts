import type { Clock } from '../../base/clock.ts'
import type { DriverPool } from '../../matching/drivers/driver-pool.ts'
import type { TokenUser } from '../door/token.ts'
import { type Handlers, ok } from './command.ts'
import { type Location, readLocation } from './location-text.ts'

export interface DriverLocationsOptions {
  readonly drivers: Pick<DriverPool, 'located'>
  readonly clock: Clock
}

/** A car is where it was a second ago, within the width of a street. */
const APART_MS = 1_000
/** More drivers than a process has; whoever came first is forgotten first, and may then say more in one second. */
const MAX_DRIVERS = 50_000
const TAKEN = ok()

/** Takes drivers' positions, one a second of each. */
export class DriverLocations {
  readonly #options: DriverLocationsOptions
  /** By driver: before that his next position is dropped, on the monotonic clock. */
  readonly #nextAtMs = new Map<string, number>()

  constructor(options: DriverLocationsOptions) {
    this.#options = options
  }

  /** `driver:location`. A position that comes too soon after the last one is passed over, and that is no error: the next one is newer. */
  get handlers(): Handlers {
    return {
      'driver:location': {
        kind: 'natural',
        limit: null,
        handle: ({ user }, data) => {
          this.#take(user.userId, data)
          return TAKEN
        },
      },
    }
  }

  /** Takes the text of a frame that is a driver's position and nothing else; false: it is read as any other. As Commands.receive(). */
  takeText({ userId, userType }: TokenUser, text: string): boolean {
    const location = userType === 'driver' ? readLocation(text) : null
    if (location === null) return false
    this.#take(userId, location)
    return true
  }

  #take(driverId: string, { latitude, longitude, speed, heading }: Location): void {
    const nowMs = this.#options.clock.monotonicMs()
    const nextAtMs = this.#nextAtMs.get(driverId)
    if (nextAtMs !== undefined && nowMs < nextAtMs) return
    if (nextAtMs === undefined) this.#makeRoom()
    this.#nextAtMs.set(driverId, nowMs + APART_MS)
    this.#options.drivers.located(driverId, { latitude, longitude }, speed, heading)
  }

  #makeRoom(): void {
    if (this.#nextAtMs.size < MAX_DRIVERS) return
    const [oldest] = this.#nextAtMs.keys()
    if (oldest !== undefined) this.#nextAtMs.delete(oldest)
  }
}
