import type { PoolConnection } from '../../../db/pools.ts'
import type { ResultSetHeader } from '../../../db/rows.ts'
import { minorToDecimal } from '../../base/money.ts'
import type { Actor, Fare, TripOrder } from './trip.ts'
import type { TripStatus, TripStep } from './trip-state.ts'

// trip_requests and trip_status may be Laravel's own, with its collations: no statement joins them with tables of ours, whose
// indexes would be of no use then.

/**
 * Inserts a trip that Laravel did not store, pending. Throws 1062 (PRIMARY) where it is there, 1364, 1048 or 1452 where Laravel's
 * table asks for more than we know.
 */
export async function insertTrip(connection: PoolConnection, order: TripOrder): Promise<void> {
  const { tripId, customerId, zoneId, category, estimatedFare, paymentMethod } = order
  const fare = minorToDecimal(estimatedFare.amountMinor, estimatedFare.currency)
  await connection.query(
    `INSERT INTO trip_requests (id, customer_id, zone_id, vehicle_category_id, estimated_fare, payment_method, type,
       current_status, created_at, updated_at)
     VALUES (?, ?, ?, ?, ?, ?, 'ride_request', 'pending', UTC_TIMESTAMP(), UTC_TIMESTAMP())`,
    [tripId, customerId, zoneId, category, fare, paymentMethod],
  )
}

/** Begins the times of a trip that insertTrip() has stored. */
export async function insertTimes(
  connection: PoolConnection,
  { tripId, customerId }: TripOrder,
): Promise<void> {
  await connection.query(
    `INSERT INTO trip_status (trip_request_id, customer_id, pending, created_at, updated_at)
     VALUES (?, ?, UTC_TIMESTAMP(), UTC_TIMESTAMP(), UTC_TIMESTAMP())`,
    [tripId, customerId],
  )
}

/** Keeps what was ordered. Throws 1062 where it was kept before. */
export async function insertDetails(
  connection: PoolConnection,
  { tripId, pickup, destination, ...order }: TripOrder,
  isAdopted: boolean,
): Promise<void> {
  await connection.query(
    `INSERT INTO trip_details (trip_id, customer_id, zone_id, category, pickup_latitude, pickup_longitude, pickup_address,
       destination_latitude, destination_longitude, destination_address, estimated_fare_minor, currency, payment_method,
       policy, adopted, created_at)
     VALUES (?, UTC_TIMESTAMP(3))`,
    [
      [
        ...[tripId, order.customerId, order.zoneId, order.category],
        ...[pickup.latitude, pickup.longitude, pickup.address],
        ...[destination.latitude, destination.longitude, destination.address],
        ...[order.estimatedFare.amountMinor, order.estimatedFare.currency],
        ...[order.paymentMethod, order.policy, isAdopted ? 1 : 0],
      ],
    ],
  )
}

/** What a step's row tells beside the step. */
export interface StepStory {
  readonly by: Actor
  readonly reason: string | null
  /** The final fare of what is completed, the fee of what is cancelled. */
  readonly fare: Fare | null
  /** Who drives; of a step back to pending, who gave it up. */
  readonly driverId: string | null
}

/** Adds one row to a trip's history. Throws 1062 where somebody without the trip's lock has taken the version. */
export async function insertTransition(
  connection: PoolConnection,
  tripId: string,
  version: number,
  step: TripStep,
  { by, reason, fare, driverId }: StepStory,
): Promise<void> {
  const row = [tripId, version, step.from, step.to, step.observed ? 1 : 0, by.type, by.id, reason]
  await connection.query(
    `INSERT INTO trip_transitions (trip_id, version, from_state, to_state, observed, actor_type, actor_id, reason,
       fare_minor, currency, driver_id, at)
     VALUES (?, UTC_TIMESTAMP(3))`,
    [[...row, fare?.amountMinor ?? null, fare?.currency ?? null, driverId]],
  )
}

/**
 * Gives a trip that waits to a driver; false when it does not wait, or is somebody's, or `until` has passed by now, however long its caller
 * waited for locks. Null: there is no deadline. Throws 1062
 * (one_active_trip_per_driver) when the driver is on another ride. By the primary key, since an index of waiting trips would lock others.
 */
export async function takeTrip(
  connection: PoolConnection,
  tripId: string,
  driverId: string,
  until: Date | null,
): Promise<boolean> {
  const inTime = until === null ? '' : 'AND UTC_TIMESTAMP(3) < ?'
  const [result] = await connection.query<ResultSetHeader>(
    `UPDATE trip_requests FORCE INDEX (PRIMARY) SET driver_id = ?, current_status = 'accepted',
       updated_at = UTC_TIMESTAMP() WHERE id = ? AND current_status = 'pending' AND driver_id IS NULL AND deleted_at IS NULL ${inTime}`,
    [driverId, tripId, ...(until === null ? [] : [until])],
  )
  return result.affectedRows === 1
}

/** Writes what rider and driver agreed on; null: they did not. Uses the primary key. */
export async function setAgreedFare(
  connection: PoolConnection,
  tripId: string,
  amountMinor: bigint | null,
): Promise<void> {
  await connection.query('UPDATE trip_details SET agreed_fare_minor = ? WHERE trip_id = ?', [
    amountMinor,
    tripId,
  ])
}

/** Moves a trip from one of Laravel's words to another; false when it stands elsewhere. Uses the primary key. */
export async function setStatus(
  connection: PoolConnection,
  tripId: string,
  from: string,
  to: TripStatus,
): Promise<boolean> {
  const [result] = await connection.query<ResultSetHeader>(
    `UPDATE trip_requests SET current_status = ?, updated_at = UTC_TIMESTAMP() WHERE id = ? AND current_status = ?`,
    [to, tripId, from],
  )
  return result.affectedRows === 1
}

/** Laravel's table of times has no column for the two ways back. */
const STAMPED: readonly TripStatus[] = ['pending', 'accepted', 'ongoing', 'completed', 'cancelled']

/**
 * Notes when a trip came to a state, where Laravel keeps such times of it; a time that is there stands. Uses
 * trip_status_trip_request_id.
 */
export async function stampStatus(
  connection: PoolConnection,
  tripId: string,
  status: TripStatus,
  driverId: string | null,
): Promise<void> {
  if (!STAMPED.includes(status)) return
  await connection.query(
    `UPDATE trip_status SET ${status} = COALESCE(${status}, UTC_TIMESTAMP()), driver_id = COALESCE(?, driver_id),
       updated_at = UTC_TIMESTAMP() WHERE trip_request_id = ?`,
    [driverId, tripId],
  )
}
