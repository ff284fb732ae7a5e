import type { Pool, PoolConnection } from '../../../db/pools.ts'
import type { RowDataPacket } from '../../../db/rows.ts'
import type { DispatchPolicy, Place, Trip, TripDetails } from './trip.ts'
import { stateOf, type TripState, tripStatus } from './trip-state.ts'

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

/** Whether the driver is on a ride. Uses one_active_trip_per_driver. */
export async function isOnRide(connection: Queryable, driverId: string): Promise<boolean> {
  const [rows] = await connection.query<RowDataPacket[]>(
    'SELECT 1 FROM trip_requests WHERE active_driver_id = ? LIMIT 1',
    [driverId],
  )
  return rows.length > 0
}
