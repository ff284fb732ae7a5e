import type { Pool } from '../../../db/pools.ts'
import { READ_TIMEOUT_MS, withConnection } from '../../../db/transaction.ts'
import type { Clock } from '../../base/clock.ts'
import type { Push } from '../../feed/envelope.ts'
import { readActiveRide } from '../../matching/trips/active-ride.ts'
import type { CommandData } from '../protocol/commands.ts'
import { type Handlers, type Outcome, ok } from './command.ts'

export interface DriverLocationsOptions {
  readonly pool: Pool
  /** Must not reject. */
  readonly publish: (pushes: readonly Push[]) => Promise<unknown>
  readonly clock: Clock
}

/** What is known of a driver who tells where he is. Times are of the monotonic clock. */
interface Known {
  /** Before that his next position is dropped. */
  nextAtMs: number
  /** His ride as it was read, and how long that is believed. */
  rideId: string | null
  believedUntilMs: number
}

/** A car is where it was a second ago, within the width of a street. */
const APART_MS = 1_000
/** A rider sees a position that late after his ride has begun, or that long after it has ended; MySQL is asked that seldom. */
const BELIEVED_MS = 5_000
/** More drivers than a process has; whoever was silent for longest is forgotten first. */
const MAX_DRIVERS = 50_000

/** Passes drivers' positions on to whoever follows their rides. */
export class DriverLocations {
  readonly #options: DriverLocationsOptions
  readonly #drivers = new Map<string, Known>()

  constructor(options: DriverLocationsOptions) {
    this.#options = options
  }

  /** `driver:location`. A position that comes too soon after the last one is passed over, and that is no error: the next one is newer. */
  get handlers(): Handlers {
    return {
      'driver:location': {
        kind: 'natural',
        limit: null,
        handle: ({ user }, data) => this.#tell(user.userId, data),
      },
    }
  }

  async #tell(driverId: string, data: CommandData<'driver:location'>): Promise<Outcome> {
    const nowMs = this.#options.clock.monotonicMs()
    const known = this.#drivers.get(driverId) ?? unknown()
    if (nowMs < known.nextAtMs) return ok()
    known.nextAtMs = nowMs + APART_MS
    this.#remember(driverId, known)
    if (nowMs >= known.believedUntilMs) {
      known.rideId = await this.#readRide(driverId)
      known.believedUntilMs = nowMs + BELIEVED_MS
    }
    if (known.rideId !== null) await this.#options.publish([this.#pushOf(known.rideId, driverId, data)])
    return ok()
  }

  #remember(driverId: string, known: Known): void {
    this.#drivers.delete(driverId)
    this.#drivers.set(driverId, known)
    if (this.#drivers.size <= MAX_DRIVERS) return
    const [oldest] = this.#drivers.keys()
    if (oldest !== undefined) this.#drivers.delete(oldest)
  }

  #readRide(driverId: string): Promise<string | null> {
    return withConnection(this.#options.pool, 'active ride', READ_TIMEOUT_MS, (connection) =>
      readActiveRide(connection, driverId),
    )
  }

  #pushOf(rideId: string, driverId: string, data: CommandData<'driver:location'>): Push {
    const { latitude, longitude, speed, heading } = data
    const location = { latitude, longitude, speed, heading }
    const timestamp = this.#options.clock.nowMs()
    return {
      rideId,
      latestOf: driverId,
      event: 'driver:location:update',
      data: { rideId, driverId, location, timestamp },
    }
  }
}

function unknown(): Known {
  return {
    nextAtMs: Number.NEGATIVE_INFINITY,
    rideId: null,
    believedUntilMs: Number.NEGATIVE_INFINITY,
  }
}
