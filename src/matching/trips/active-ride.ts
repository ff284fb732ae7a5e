import type { Pool, PoolConnection } from '../../../db/pools.ts'
import type { RowDataPacket } from '../../../db/rows.ts'

/** The ride that the driver is on, accepted or under way; null where he is on none. Uses one_active_trip_per_driver. */
export async function readActiveRide(
  connection: Pick<PoolConnection | Pool, 'query'>,
  driverId: string,
): Promise<string | null> {
  const [rows] = await connection.query<RowDataPacket[]>(
    'SELECT id FROM trip_requests WHERE active_driver_id = ? LIMIT 1',
    [driverId],
  )
  return rows[0]?.id ?? null
}
