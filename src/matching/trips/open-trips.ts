import type { Reading } from '../../../db/moment.ts'
import type { RowDataPacket } from '../../../db/rows.ts'
import type { Place } from './trip.ts'
import { toPlace } from './trip-reader.ts'
import { stateOf, type TripState, tripStatus } from './trip-state.ts'

/** The trip that a user is on, or waits for. Amounts in minor units. */
export interface OpenTrip {
  readonly rideId: string
  readonly status: string
  readonly state: TripState | null
  readonly customerId: string | null
  readonly driverId: string | null
  readonly category: string | null
  readonly pickup: Place | null
  readonly destination: Place | null
  readonly estimatedFareMinor: number | null
  /** By a bid that the rider chose. */
  readonly agreedFareMinor: number | null
  readonly finalFareMinor: number | null
  readonly currency: string | null
  readonly paymentMethod: string | null
}

/** Whose trips: the column that names him. */
export type TripSide = 'customer_id' | 'driver_id'

/** Part of a statement, with its values. */
export interface Fragment {
  readonly sql: string
  readonly values: readonly unknown[]
}

/**
 * One trip of each user: one that is under way before one that waits, and the newest of several. The id comes in the
 * collation of our own tables, whose indexes would be of no use against Laravel's. Uses trips_by_customer_and_status or
 * trips_by_driver_and_status.
 */
function openTripSql(side: TripSide, columns: string): string {
  return `SELECT ${columns} FROM (SELECT CONVERT(id USING ascii) COLLATE ascii_bin AS id, customer_id, driver_id,
      vehicle_category_id, payment_method, current_status, ROW_NUMBER() OVER (PARTITION BY ${side}
        ORDER BY current_status = 'pending', created_at DESC, id DESC) AS nth
    FROM trip_requests WHERE ${side} IN (?)
      AND current_status IN ('pending', 'accepted', 'ongoing', 'returning') AND deleted_at IS NULL) AS mine
  WHERE nth = 1`
}

/** The ids of the trips that openTrips() reads, for a statement on tables of ours. */
export function openTripIds(side: TripSide, userIds: readonly string[]): Fragment {
  return { sql: openTripSql(side, 'id'), values: [userIds] }
}

/**
 * The open trip of each of these users; who has none is absent. Uses the indexes of openTripSql, and the primary keys of
 * trip_details and trip_transitions.
 */
export function openTrips(side: TripSide, userIds: readonly string[]): Reading<Map<string, OpenTrip>> {
  return {
    sql: `SELECT o.id, o.customer_id, o.driver_id, o.vehicle_category_id, o.payment_method, o.current_status,
        d.category, d.pickup_latitude, d.pickup_longitude, d.pickup_address, d.destination_latitude,
        d.destination_longitude, d.destination_address, d.estimated_fare_minor, d.agreed_fare_minor, d.currency,
        d.payment_method AS ordered_method, d.trip_id IS NOT NULL AS is_known, h.to_state, h.fare_minor,
        h.currency AS fare_currency
      FROM (${openTripSql(side, 'id, customer_id, driver_id, vehicle_category_id, payment_method, current_status')}) AS o
      LEFT JOIN trip_details AS d ON d.trip_id = o.id
      LEFT JOIN trip_transitions AS h ON h.trip_id = o.id
        AND h.version = (SELECT MAX(version) FROM trip_transitions AS last WHERE last.trip_id = o.id)`,
    values: [userIds],
    resultOf: (rows) => new Map(rows.map((row) => [row[side], toOpenTrip(row)])),
  }
}

function toOpenTrip(row: RowDataPacket): OpenTrip {
  const status = tripStatus(row.current_status)
  const isKnown = Number(row.is_known) === 1
  return {
    rideId: row.id,
    status: row.current_status,
    state: status === null ? null : stateOf(row.to_state, status),
    customerId: row.customer_id,
    driverId: row.driver_id,
    category: row.vehicle_category_id ?? row.category,
    pickup: isKnown ? toPlace(row.pickup_latitude, row.pickup_longitude, row.pickup_address) : null,
    destination: isKnown
      ? toPlace(row.destination_latitude, row.destination_longitude, row.destination_address)
      : null,
    estimatedFareMinor: isKnown ? Number(row.estimated_fare_minor) : null,
    agreedFareMinor: row.agreed_fare_minor === null ? null : Number(row.agreed_fare_minor),
    finalFareMinor: row.fare_minor === null ? null : Number(row.fare_minor),
    currency: row.currency ?? row.fare_currency,
    paymentMethod: row.payment_method ?? row.ordered_method,
  }
}
