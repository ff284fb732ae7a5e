import type { Pool, PoolConnection } from '../../../db/pools.ts'
import type { RowDataPacket } from '../../../db/rows.ts'

/** Who rides and who drives, as far as the trip has anybody. */
export interface Parties {
  readonly customerId: string | null
  readonly driverId: string | null
}

/**
 * The rider and the driver of each of these trips; a trip that is not there, or was deleted, is absent. Without a lock: it sees
 * what is committed. Uses the primary key.
 */
export async function readParties(
  connection: Pick<PoolConnection | Pool, 'query'>,
  tripIds: readonly string[],
): Promise<Map<string, Parties>> {
  if (tripIds.length === 0) return new Map()
  const [rows] = await connection.query<RowDataPacket[]>(
    'SELECT id, customer_id, driver_id FROM trip_requests WHERE id IN (?) AND deleted_at IS NULL',
    [tripIds],
  )
  return new Map(rows.map((row) => [row.id, { customerId: row.customer_id, driverId: row.driver_id }]))
}
