import type { Pool, PoolConnection } from '../../../db/pools.ts'
import type { RowDataPacket } from '../../../db/rows.ts'
import type { Fare } from './trip.ts'
import { stateOf, type TripState, tripStatus } from './trip-state.ts'

type Queryable = Pick<PoolConnection | Pool, 'query'>

/** A trip as a line of a list. */
export interface TripSummary {
  readonly id: string
  readonly createdAt: Date
  readonly status: string
  /** Null where the status is a word of Laravel's that is not in the contract. */
  readonly state: TripState | null
  readonly zoneId: string | null
  readonly category: string | null
  readonly customerId: string | null
  readonly driverId: string | null
  readonly estimatedFare: Fare
}

/** What narrows a list of trips; what is left out does not. */
export interface TripFilter {
  readonly state?: TripState | undefined
  readonly zoneId?: string | undefined
}

export interface TripPage {
  readonly trips: TripSummary[]
  /** Null: there are no older ones. The id for the next page's `after`, which may be of a trip that the filter left out. */
  readonly next: string | null
}

const PAGE = 500
/** Trips' states are in a table without an index of time: a filter looks at so many trips, and goes on in the next page. */
const LOOKED_AT = 10_000

/**
 * Lists the trips that were told of here, the newest first. `after` is the last of the page before; null where there is no such trip. Uses
 * details_by_time, and the primary keys of the others.
 */
export async function listTrips(
  connection: Queryable,
  filter: TripFilter,
  { limit, after }: { readonly limit: number; readonly after?: string | undefined },
): Promise<TripPage | null> {
  const begin = after === undefined ? undefined : await readPlace(connection, after)
  if (begin === null) return null
  const trips: TripSummary[] = []
  let place: Place | undefined = begin
  for (let seen = 0; seen < LOOKED_AT; seen += PAGE) {
    const rows = await readPage(connection, place)
    for (const trip of await summariesOf(connection, rows)) {
      if (trips.length === limit) return { trips, next: trips.at(-1)?.id ?? null }
      if (isWanted(trip, filter)) trips.push(trip)
    }
    const last = rows.at(-1)
    if (last === undefined || rows.length < PAGE) return { trips, next: null }
    place = { id: last.trip_id, createdAt: last.created_at }
  }
  return { trips, next: place?.id ?? null }
}

interface Place {
  readonly id: string
  readonly createdAt: Date
}

/** Uses the primary key. */
async function readPlace(connection: Queryable, tripId: string): Promise<Place | null> {
  const [[row]] = await connection.query<RowDataPacket[]>(
    'SELECT trip_id, created_at FROM trip_details WHERE trip_id = ?',
    [tripId],
  )
  return row ? { id: row.trip_id, createdAt: row.created_at } : null
}

/** Uses details_by_time. */
async function readPage(connection: Queryable, place: Place | undefined): Promise<RowDataPacket[]> {
  const older = place === undefined ? 'TRUE' : 'created_at <= ? AND (created_at < ? OR trip_id < ?)'
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT trip_id, created_at, customer_id, zone_id, category, estimated_fare_minor, currency
     FROM trip_details FORCE INDEX (details_by_time) WHERE ${older} ORDER BY created_at DESC, trip_id DESC LIMIT ${PAGE}`,
    place === undefined ? [] : [place.createdAt, place.createdAt, place.id],
  )
  return rows
}

/** Those that are deleted are left out. */
async function summariesOf(connection: Queryable, rows: readonly RowDataPacket[]): Promise<TripSummary[]> {
  if (rows.length === 0) return []
  const ids = rows.map(({ trip_id }) => trip_id)
  const requests = await readRequests(connection, ids)
  const recorded = await readLastStates(connection, ids)
  return rows.flatMap((row) => {
    const request = requests.get(row.trip_id)
    if (request === undefined) return []
    const status = tripStatus(request.current_status)
    return [
      {
        id: row.trip_id,
        createdAt: row.created_at,
        status: request.current_status,
        state: status === null ? null : stateOf(recorded.get(row.trip_id) ?? null, status),
        zoneId: request.zone_id ?? row.zone_id,
        category: request.vehicle_category_id ?? row.category,
        customerId: request.customer_id ?? row.customer_id,
        driverId: request.driver_id,
        estimatedFare: { amountMinor: BigInt(row.estimated_fare_minor), currency: row.currency },
      },
    ]
  })
}

/** Uses the primary key. */
async function readRequests(
  connection: Queryable,
  ids: readonly string[],
): Promise<Map<string, RowDataPacket>> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT id, customer_id, driver_id, zone_id, vehicle_category_id, current_status FROM trip_requests
     WHERE id IN (?) AND deleted_at IS NULL`,
    [ids],
  )
  return new Map(rows.map((row) => [row.id, row]))
}

/** What the history of each says last. Uses the primary key. */
async function readLastStates(
  connection: Queryable,
  ids: readonly string[],
): Promise<Map<string, TripState>> {
  const [rows] = await connection.query<RowDataPacket[]>(
    'SELECT trip_id, to_state FROM trip_transitions WHERE trip_id IN (?) ORDER BY trip_id, version',
    [ids],
  )
  return new Map(rows.map((row) => [row.trip_id, row.to_state]))
}

function isWanted(trip: TripSummary, { state, zoneId }: TripFilter): boolean {
  return (state === undefined || trip.state === state) && (zoneId === undefined || trip.zoneId === zoneId)
}

export function tripSummaryJson({ createdAt, estimatedFare, ...trip }: TripSummary) {
  return {
    ...trip,
    estimatedFareMinor: Number(estimatedFare.amountMinor),
    currency: estimatedFare.currency,
    createdAt: createdAt.toISOString(),
  }
}
