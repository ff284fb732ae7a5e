import type { Pool, PoolConnection } from '../../../db/pools.ts'
import type { ResultSetHeader, RowDataPacket } from '../../../db/rows.ts'
import { minorToDecimal } from '../../base/money.ts'
import type { Actor, DispatchPolicy, Fare, Place, Trip, TripDetails, TripOrder } from './trip.ts'
import { stateOf, type TripState, type TripStatus, type TripStep, tripStatus } from './trip-state.ts'

// trip_requests and trip_status may be Laravel's own, with its collations: no statement joins them with tables of ours, whose
// indexes would be of no use then.

type Queryable = Pick<PoolConnection | Pool, 'query'>

const TRIP_COLUMNS = `id, customer_id, driver_id, zone_id, vehicle_category_id, payment_method, current_status`

const DETAIL_COLUMNS = `d.trip_id, d.customer_id, d.zone_id, d.category, d.pickup_latitude, d.pickup_longitude,
  d.pickup_address, d.destination_latitude, d.destination_longitude, d.destination_address, d.estimated_fare_minor,
  d.agreed_fare_minor, d.currency, d.payment_method, d.policy, d.adopted, d.created_at`

/** Reads a trip without a lock; null when there is none, or when it was deleted. Uses the primary keys. */
export async function readTrip(connection: Queryable, tripId: string): Promise<Trip | null> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT ${TRIP_COLUMNS} FROM trip_requests WHERE id = ? AND deleted_at IS NULL`,
    [tripId],
  )
  return withRecord(connection, rows[0])
}

/**
 * Reads a trip and locks it until the transaction ends: whoever changes a trip, its history or its offers comes through here.
 * Null when there is none, or when it was deleted. Uses the primary keys.
 */
export async function lockTrip(connection: PoolConnection, tripId: string): Promise<Trip | null> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT ${TRIP_COLUMNS} FROM trip_requests WHERE id = ? AND deleted_at IS NULL FOR UPDATE`,
    [tripId],
  )
  return withRecord(connection, rows[0])
}

/** The same without waiting: `held` where somebody else has it locked. */
export async function lockTripAtOnce(
  connection: PoolConnection,
  tripId: string,
): Promise<Trip | 'held' | null> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT ${TRIP_COLUMNS} FROM trip_requests WHERE id = ? AND deleted_at IS NULL FOR UPDATE SKIP LOCKED`,
    [tripId],
  )
  if (rows[0] !== undefined) return withRecord(connection, rows[0])
  return (await readTrip(connection, tripId)) === null ? null : 'held'
}

async function withRecord(connection: Queryable, row: RowDataPacket | undefined): Promise<Trip | null> {
  if (!row) return null
  const [[found]] = await connection.query<RowDataPacket[]>(
    // The time is read here, since a statement that waits for a lock has the time at which it began to wait.
    `SELECT UTC_TIMESTAMP(3) AS now, ${DETAIL_COLUMNS}, h.version, h.to_state, h.fare_minor, h.currency AS fare_currency,
       h.driver_id AS recorded_driver_id
     FROM (SELECT 1 AS one) AS always
     LEFT JOIN trip_details AS d ON d.trip_id = ?
     LEFT JOIN trip_transitions AS h ON h.trip_id = ?
       AND h.version = (SELECT MAX(version) FROM trip_transitions WHERE trip_id = ?)`,
    [row.id, row.id, row.id],
  )
  return toTrip(row, found ?? {})
}

function toTrip(row: RowDataPacket, record: Partial<RowDataPacket>): Trip {
  const status = tripStatus(row.current_status)
  const recorded: TripState | null = record.to_state ?? null
  const details = record.trip_id ? toDetails(record) : null
  const fare =
    record.fare_minor == null
      ? null
      : { amountMinor: BigInt(record.fare_minor), currency: record.fare_currency }
  return {
    id: row.id,
    status: row.current_status,
    state: status === null ? null : stateOf(recorded, status),
    version: Number(record.version ?? 0),
    recorded,
    customerId: row.customer_id,
    driverId: row.driver_id,
    // Of a step back to pending it is who gave the trip up.
    recordedDriverId: recorded === 'pending' ? null : (record.recorded_driver_id ?? null),
    zoneId: row.zone_id,
    category: row.vehicle_category_id ?? details?.category ?? null,
    paymentMethod: row.payment_method ?? details?.paymentMethod ?? null,
    details,
    finalFare: recorded === 'cancelled' ? null : fare,
    cancellationFee: recorded === 'cancelled' ? fare : null,
    now: record.now,
  }
}

function toDetails(row: Partial<RowDataPacket>): TripDetails {
  return {
    customerId: row.customer_id,
    zoneId: row.zone_id,
    category: row.category,
    pickup: toPlace(row.pickup_latitude, row.pickup_longitude, row.pickup_address),
    destination: toPlace(row.destination_latitude, row.destination_longitude, row.destination_address),
    estimatedFare: { amountMinor: BigInt(row.estimated_fare_minor), currency: row.currency },
    agreedFareMinor: row.agreed_fare_minor == null ? null : BigInt(row.agreed_fare_minor),
    paymentMethod: row.payment_method,
    policy: row.policy as DispatchPolicy | null,
    isAdopted: Number(row.adopted) === 1,
    createdAt: row.created_at,
  }
}

export function toPlace(latitude: string, longitude: string, address: string | null): Place {
  return { latitude: Number(latitude), longitude: Number(longitude), address }
}

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

/** Whether the driver is on a ride. Uses one_active_trip_per_driver. */
export async function isOnRide(connection: Queryable, driverId: string): Promise<boolean> {
  const [rows] = await connection.query<RowDataPacket[]>(
    'SELECT 1 FROM trip_requests WHERE active_driver_id = ? LIMIT 1',
    [driverId],
  )
  return rows.length > 0
}
