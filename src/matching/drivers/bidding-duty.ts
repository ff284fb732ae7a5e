import type { PoolConnection } from '../../../db/pools.ts'

/** Laravel's word for a driver whom a live bid reserves. */
export const ON_BIDDING = 'on_bidding'

/**
 * A live bid reserves the driver. Who is not available, in Laravel's words, is left as he is. Uses driver_details_user_id; lock driver rows
 * after bids.
 */
export async function driverBidsIn(connection: PoolConnection, driverId: string): Promise<void> {
  await connection.query(
    `UPDATE driver_details SET availability_status = ?, updated_at = UTC_TIMESTAMP()
     WHERE user_id = ? AND availability_status = 'available'`,
    [ON_BIDDING, driverId],
  )
}

/** Nothing reserves these drivers any more: they are available again where they work. Uses driver_details_user_id. */
export async function driversBidNoMoreIn(
  connection: PoolConnection,
  driverIds: readonly string[],
): Promise<void> {
  if (driverIds.length === 0) return
  await connection.query(
    `UPDATE driver_details SET availability_status = IF(is_online = '1', 'available', 'unavailable'),
       updated_at = UTC_TIMESTAMP() WHERE user_id IN (?) AND availability_status = ?`,
    [driverIds.toSorted(), ON_BIDDING],
  )
}
