import type { PoolConnection } from '../../../db/pools.ts'
import type { RowDataPacket } from '../../../db/rows.ts'
import { createTripIn, type TripCreation } from './create.ts'
import type { TripOrder } from './trip.ts'

/** open: the rider is on another ride, or waits for one; nothing was written. The rest is createTripIn()'s. */
export type TripRequested = TripCreation | { readonly kind: 'open'; readonly tripId: string }

/**
 * A rider asks for a ride himself, in the caller's transaction: he has one at a time. Locks the rider's own row before the trip, so that of
 * two requests the second one sees the first. What Laravel orders for him is not refused, and is seen where it was committed before.
 */
export async function requestTripIn(connection: PoolConnection, order: TripOrder): Promise<TripRequested> {
  await lockRider(connection, order.customerId)
  const tripId = await readOpenRide(connection, order.customerId)
  return tripId === null ? createTripIn(connection, order) : { kind: 'open', tripId }
}

/** Uses the primary key. */
async function lockRider(connection: PoolConnection, customerId: string): Promise<void> {
  await connection.query(
    `INSERT INTO trip_riders (customer_id, asked_at) VALUES (?, UTC_TIMESTAMP(3))
     ON DUPLICATE KEY UPDATE asked_at = VALUES(asked_at)`,
    [customerId],
  )
}

/**
 * The ride that the rider is on or waits for, the newest of several; parcels of his may be under way beside it. Uses
 * trips_by_customer_and_status.
 */
export async function readOpenRide(connection: PoolConnection, customerId: string): Promise<string | null> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT id FROM trip_requests WHERE customer_id = ? AND current_status IN ('pending', 'accepted', 'ongoing')
       AND deleted_at IS NULL AND (type IS NULL OR type <> 'parcel') ORDER BY created_at DESC, id DESC LIMIT 1`,
    [customerId],
  )
  return rows[0]?.id ?? null
}
