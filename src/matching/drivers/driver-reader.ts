import type { Reading } from '../../../db/moment.ts'
import type { Pool, PoolConnection } from '../../../db/pools.ts'
import type { RowDataPacket } from '../../../db/rows.ts'
import { withConnection } from '../../../db/transaction.ts'
import type { LiveDriver } from './live-driver.ts'
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

/** One statement asks for so many. */
const READ_DRIVERS = 500
const READ_TIMEOUT_MS = 5_000

/** What the database says of these drivers: everything of the first, the rides of the others. Each once. */
export function readDrivers(
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
