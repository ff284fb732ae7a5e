import type { PoolConnection } from '../../../db/pools.ts'
import type { ResultSetHeader } from '../../../db/rows.ts'
import { PRIOR } from '../offers/standings.ts'
import { lockDrivers, ridersAmong } from './driver-store.ts'
import { driversWithTrips } from './stale-drivers.ts'

// driver_details may be Laravel's own, with its collations: no statement joins it with tables of ours.

/**
 * The driver has a trip: on_trip, in Laravel's word. A driver without a row is passed by. Locks his row, also where it says so already, for
 * somebody else may be about to write that he is free. Uses driver_details_user_id.
 */
export async function driverTakenIn(connection: PoolConnection, driverId: string): Promise<void> {
  await connection.query(
    `UPDATE driver_details SET availability_status = 'on_trip', updated_at = UTC_TIMESTAMP() WHERE user_id = ?`,
    [driverId],
  )
}

/**
 * The drivers' trips are over: available if they work, unavailable if not, and idle from now on. Who is on another ride (a parcel ended
 * beside it) stays on_trip. Locks their standings, then their rows of driver_details; uses the primary key, driver_details_user_id and
 * one_active_trip_per_driver.
 */
export async function driversFreedIn(
  connection: PoolConnection,
  driverIds: readonly string[],
): Promise<void> {
  await freeIn(connection, driverIds, ridersAmong)
}

/**
 * The same of drivers of whom it was found that they are on no trip: who has one by now, a parcel too, stays on_trip. Returns how many were
 * freed. Uses also trips_by_driver_and_status.
 */
export function staleDriversFreedIn(
  connection: PoolConnection,
  driverIds: readonly string[],
): Promise<number> {
  return freeIn(connection, driverIds, driversWithTrips)
}

async function freeIn(
  connection: PoolConnection,
  driverIds: readonly string[],
  busyAmong: typeof ridersAmong,
): Promise<number> {
  if (driverIds.length === 0) return 0
  const ids = driverIds.toSorted()
  await connection.query(
    `INSERT INTO driver_standings (driver_id, acceptance, idle_since) VALUES ${ids.map(() => '(?, ?, UTC_TIMESTAMP(3))').join(', ')}
     ON DUPLICATE KEY UPDATE idle_since = VALUES(idle_since)`,
    ids.flatMap((id) => [id, PRIOR]),
  )
  // Who accepts writes here before he commits: asked after this, his trip is as his row will say.
  await lockDrivers(connection, ids)
  const busy = await busyAmong(connection, ids)
  const free = ids.filter((id) => !busy.has(id))
  if (free.length === 0) return 0
  const [result] = await connection.query<ResultSetHeader>(
    `UPDATE driver_details SET availability_status = IF(is_online = '1', 'available', 'unavailable'),
       updated_at = UTC_TIMESTAMP() WHERE user_id IN (?) AND availability_status = 'on_trip'`,
    [free],
  )
  return result.affectedRows
}
