import type { Reading } from '../../../db/moment.ts'
import type { Pool, PoolConnection } from '../../../db/pools.ts'
import type { RowDataPacket } from '../../../db/rows.ts'
import { withConnection } from '../../../db/transaction.ts'
import type { Clock } from '../../base/clock.ts'
import type { DriverRoster } from './driver-roster.ts'
import type { LiveDriver } from './live-driver.ts'
import type { PoolTempo } from './pool-tempo.ts'
import { type ActiveRide, readActiveRides } from './ride-store.ts'
import { type DriverRecord, driverRecords, type StoredPlace, storedPlaces } from './standing-store.ts'

/** What the database says of a driver. Of who was asked for his ride alone the rest is undefined. */
export interface DriverReading {
  readonly ride: ActiveRide | null
  readonly standing?: {
    /** Null: Laravel's table has no row of his. */
    readonly record: DriverRecord | null
    /** Null: he was never online. */
    readonly place: StoredPlace | null
  }
}

export interface DriverReaderOptions {
  readonly pool: Pool
  readonly roster: DriverRoster
  readonly tempo: Pick<PoolTempo, 'rideMs' | 'standingMs'>
  readonly clock: Clock
}

/** One turn asks for so many. */
const TURN_READS = 2_000
/** One statement asks for so many. */
const READ_DRIVERS = 500
const READ_TIMEOUT_MS = 5_000

/** Asks the database what the drivers of a roster are, for many at once. */
export class DriverReader {
  readonly #options: DriverReaderOptions
  #isReading = false

  constructor(options: DriverReaderOptions) {
    this.#options = options
  }

  /**
   * Asks for whoever has to be asked for; nobody while another turn asks. Rejects when the database does not answer: they have to be asked for
   * as before.
   */
  async read(): Promise<{ readonly drivers: number; readonly hasMore: boolean }> {
    if (this.#isReading) return { drivers: 0, hasMore: false }
    this.#isReading = true
    try {
      return await this.#read()
    } finally {
      this.#isReading = false
    }
  }

  async #read(): Promise<{ readonly drivers: number; readonly hasMore: boolean }> {
    const { pool, roster, clock } = this.#options
    const nowMs = clock.monotonicMs()
    const { whole, ridesAlone } = this.#due(nowMs)
    const all = [...whole, ...ridesAlone]
    if (all.length === 0) return { drivers: 0, hasMore: false }
    const versions = new Map(all.map((driver) => [driver, driver.version]))
    for (const driver of whole) roster.unread.delete(driver)
    try {
      const readings = await readDrivers(pool, whole, ridesAlone)
      for (const [driver, version] of versions) {
        const reading = readings.get(driver.id)
        if (reading) roster.apply(driver, version, reading, nowMs)
      }
    } catch (error) {
      for (const driver of whole) roster.unread.add(driver)
      throw error
    }
    return { drivers: all.length, hasMore: all.length >= TURN_READS }
  }

  #due(nowMs: number): { readonly whole: LiveDriver[]; readonly ridesAlone: LiveDriver[] } {
    const { roster, tempo } = this.#options
    const whole = [...roster.unread].slice(0, TURN_READS)
    const ridesAlone: LiveDriver[] = []
    for (const driver of roster.all) {
      if (whole.length + ridesAlone.length >= TURN_READS) break
      if (driver.standing === 'unread' || roster.unread.has(driver)) continue
      if (nowMs - driver.standingReadAtMs >= tempo.standingMs) whole.push(driver)
      else if (nowMs - driver.rideReadAtMs >= tempo.rideMs && driver.position !== null)
        ridesAlone.push(driver)
    }
    return { whole, ridesAlone }
  }
}

/** What the database says of these drivers: everything of the first, the rides of the others. Each once. */
function readDrivers(
  pool: Pool,
  whole: readonly LiveDriver[],
  ridesAlone: readonly LiveDriver[],
): Promise<Map<string, DriverReading>> {
  return withConnection(pool, 'drivers', READ_TIMEOUT_MS, async (connection) => {
    const readings = new Map<string, DriverReading>()
    const all = [...whole, ...ridesAlone]
    for (const some of parts(all)) {
      const rides = await readActiveRides(connection, some)
      for (const id of some) readings.set(id, { ride: rides.get(id) ?? null })
    }
    for (const some of parts(whole)) {
      const records = await ask(connection, driverRecords(some))
      const places = await ask(connection, storedPlaces(some))
      for (const id of some) {
        const standing = { record: records.get(id) ?? null, place: places.get(id) ?? null }
        readings.set(id, { ride: readings.get(id)?.ride ?? null, standing })
      }
    }
    return readings
  })
}

async function ask<T>(connection: PoolConnection, { sql, values, resultOf }: Reading<T>): Promise<T> {
  const [rows] = await connection.query<RowDataPacket[]>(sql, [...values])
  return resultOf(rows)
}

function parts(drivers: readonly LiveDriver[]): string[][] {
  const all: string[][] = []
  for (let from = 0; from < drivers.length; from += READ_DRIVERS)
    all.push(drivers.slice(from, from + READ_DRIVERS).map(({ id }) => id))
  return all
}
