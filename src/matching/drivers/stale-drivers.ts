import type { Pool, PoolConnection } from '../../../db/pools.ts'
import type { RowDataPacket } from '../../../db/rows.ts'

// driver_details and trip_requests may be Laravel's own, with its collations: no statement joins them with tables of ours.

type Queryable = Pick<PoolConnection | Pool, 'query'>

/** Drivers of whom Laravel's table says on_trip, by their ids, after `after`. Uses drivers_by_availability alone. */
export async function someOnTrip(connection: Queryable, after: string, limit: number): Promise<string[]> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT user_id FROM driver_details FORCE INDEX (drivers_by_availability)
     WHERE availability_status = 'on_trip' AND user_id > ? ORDER BY user_id LIMIT ?`,
    [after, limit],
  )
  return rows.map((row) => row.user_id)
}

/** Those of the drivers who have a trip under way, a ride or a parcel. Uses trips_by_driver_and_status. */
export async function driversWithTrips(
  connection: Queryable,
  driverIds: readonly string[],
): Promise<Set<string>> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT driver_id FROM trip_requests FORCE INDEX (trips_by_driver_and_status)
     WHERE driver_id IN (?) AND current_status IN ('accepted', 'ongoing', 'returning') AND deleted_at IS NULL`,
    [driverIds],
  )
  return new Set(rows.map((row) => row.driver_id))
}
