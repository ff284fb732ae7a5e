import type { PoolConnection } from '../../../db/pools.ts'
import { PRIOR } from '../offers/standings.ts'
import { ridersAmong } from './driver-store.ts'

// driver_details may be Laravel's own, with its collations: no statement joins it with tables of ours.

/** The driver has a trip: on_trip, in Laravel's word. A driver without a row is passed by. Uses driver_details_user_id. */
export async function driverTakenIn(connection: PoolConnection, driverId: string): Promise<void> {
  await connection.query(
    `UPDATE driver_details SET availability_status = 'on_trip', updated_at = UTC_TIMESTAMP()
     WHERE user_id = ? AND availability_status <> 'on_trip'`,
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
  if (driverIds.length === 0) return
  const ids = driverIds.toSorted()
  await connection.query(
    `INSERT INTO driver_standings (driver_id, acceptance, idle_since) VALUES ${ids.map(() => '(?, ?, UTC_TIMESTAMP(3))').join(', ')}
     ON DUPLICATE KEY UPDATE idle_since = VALUES(idle_since)`,
    ids.flatMap((id) => [id, PRIOR]),
  )
  const riders = await ridersAmong(connection, ids)
  const free = ids.filter((id) => !riders.has(id))
  if (free.length === 0) return
  await connection.query(
    `UPDATE driver_details SET availability_status = IF(is_online = '1', 'available', 'unavailable'),
       updated_at = UTC_TIMESTAMP() WHERE user_id IN (?) AND availability_status = 'on_trip'`,
    [free],
  )
}
