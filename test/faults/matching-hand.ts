import { isDuplicateKey, isRetryable } from '../../db/errors.ts'
import type { Pool } from '../../db/pools.ts'
import type { ResultSetHeader } from '../../db/rows.ts'

/** Laravel gives a ride that waits to a driver by itself, in its own table: `ok`, or why not. */
export function laravelGives(pool: Pool, tripId: string, driverId: string): Promise<string> {
  return changed(
    pool,
    `UPDATE trip_requests SET driver_id = ?, current_status = 'accepted' WHERE id = ? AND current_status = 'pending'
       AND driver_id IS NULL`,
    [driverId, tripId],
  )
}

/** Laravel writes whom it has chosen; the status comes later. */
export function laravelNames(pool: Pool, tripId: string, driverId: string): Promise<string> {
  return changed(
    pool,
    "UPDATE trip_requests SET driver_id = ? WHERE id = ? AND current_status = 'pending' AND driver_id IS NULL",
    [driverId, tripId],
  )
}

/** Laravel cancels a trip by itself, and nobody is told. */
export function laravelCancels(pool: Pool, tripId: string): Promise<string> {
  return changed(
    pool,
    "UPDATE trip_requests SET current_status = 'cancelled' WHERE id = ? AND current_status IN ('pending', 'accepted', 'ongoing')",
    [tripId],
  )
}

async function changed(pool: Pool, sql: string, values: readonly string[]): Promise<string> {
  try {
    const [result] = await pool.query<ResultSetHeader>(sql, [...values])
    return result.affectedRows === 1 ? 'ok' : 'no_change'
  } catch (error) {
    if (isDuplicateKey(error, 'one_active_trip_per_driver')) return 'driver_busy'
    if (isRetryable(error)) return changed(pool, sql, values)
    throw error
  }
}
