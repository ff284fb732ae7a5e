import type { Pool, PoolConnection } from '../../../db/pools.ts'
import type { RowDataPacket } from '../../../db/rows.ts'
import { lockSearch, startDispatchIn } from '../dispatch/dispatch-store.ts'
import { isWaiting } from '../dispatch/end-search.ts'
import type { DispatchRules } from '../dispatch/settings.ts'
import { NOBODY_TOLD, type Told } from '../trips/announce.ts'
import { moveAndTell } from '../trips/perform.ts'
import { lockTrip } from '../trips/trip-reader.ts'
import { statusOf, type TripState, tripStatus } from '../trips/trip-state.ts'

type Queryable = Pick<PoolConnection | Pool, 'query'>

/** A trip whose row says otherwise than its history, or that waits without anybody looking for a driver. */
export interface SilentMove {
  readonly tripId: string
  /** As the row has them. */
  readonly status: string
  readonly driverId: string | null
}

/** Where a look through the trips stands. */
export interface TripCursor {
  readonly createdAt: Date
  readonly tripId: string
}

/** A ride is done by then; for whom nobody has looked for so long does not wait any more. */
const HOURS = 6

/**
 * One page of the trips of the last hours, the oldest first, and those of them that Laravel moved without telling; `next` is null after the last
 * page. Uses details_by_time, and the primary keys.
 */
export async function somethingMoved(
  connection: Queryable,
  after: TripCursor | null,
  limit: number,
): Promise<{ readonly moves: SilentMove[]; readonly next: TripCursor | null }> {
  const records = await readRecords(connection, after, limit)
  const last = records.at(-1)
  const next = last === undefined || records.length < limit ? null : last
  const open = records.filter(({ recorded }) => recorded !== null && !ENDS.includes(recorded))
  if (open.length === 0) return { moves: [], next }
  const rows = await readRows(connection, idsOf(open))
  const searches = await searchedAmong(connection, idsOf(open))
  const moves = open.flatMap(({ tripId, recorded }): SilentMove[] => {
    const row = rows.get(tripId)
    return row !== undefined && recorded !== null && hasMoved(recorded, row, searches.has(tripId))
      ? [row]
      : []
  })
  return { moves, next }
}

const ENDS: readonly TripState[] = ['completed', 'cancelled', 'returned']

function hasMoved(
  recorded: TripState,
  { status, driverId }: Pick<SilentMove, 'status' | 'driverId'>,
  isSearched: boolean,
): boolean {
  // What Laravel is about to give, and what it gave to nobody, cannot be told yet.
  if (tripStatus(status) === null || (status === 'accepted' && driverId === null)) return false
  if (status === 'pending' && driverId !== null) return false
  return statusOf(recorded) !== status || (status === 'pending' && !isSearched)
}

interface TripRecord extends TripCursor {
  readonly recorded: TripState | null
}

async function readRecords(
  connection: Queryable,
  after: TripCursor | null,
  limit: number,
): Promise<TripRecord[]> {
  const createdAt = after?.createdAt ?? LONG_AGO
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT d.trip_id, d.created_at, h.to_state FROM trip_details AS d FORCE INDEX (details_by_time)
     LEFT JOIN trip_transitions AS h ON h.trip_id = d.trip_id
       AND h.version = (SELECT MAX(version) FROM trip_transitions AS last WHERE last.trip_id = d.trip_id)
     WHERE d.created_at >= UTC_TIMESTAMP(3) - INTERVAL ? HOUR AND d.created_at >= ?
       AND (d.created_at > ? OR d.trip_id > ?)
     ORDER BY d.created_at, d.trip_id LIMIT ?`,
    [HOURS, createdAt, createdAt, after?.tripId ?? '', limit],
  )
  return rows.map((row) => ({ tripId: row.trip_id, createdAt: row.created_at, recorded: row.to_state }))
}

const LONG_AGO = new Date('2000-01-01T00:00:00Z')

function idsOf(trips: readonly { readonly tripId: string }[]): string[] {
  return trips.map(({ tripId }) => tripId)
}

async function readRows(connection: Queryable, tripIds: readonly string[]): Promise<Map<string, SilentMove>> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT id, current_status, driver_id FROM trip_requests FORCE INDEX (PRIMARY)
     WHERE id IN (?) AND deleted_at IS NULL`,
    [tripIds],
  )
  return new Map(
    rows.map((row) => [row.id, { tripId: row.id, status: row.current_status, driverId: row.driver_id }]),
  )
}

async function searchedAmong(connection: Queryable, tripIds: readonly string[]): Promise<Set<string>> {
  const [rows] = await connection.query<RowDataPacket[]>(
    'SELECT trip_id FROM trip_dispatches FORCE INDEX (PRIMARY) WHERE trip_id IN (?)',
    [tripIds],
  )
  return new Set(rows.map((row) => row.trip_id))
}

/** moved: the history took the step. taken_back: it leads back to pending, and a search begins. search_begun: nobody had looked. */
export type PutRight = 'moved' | 'taken_back' | 'search_begun'

/**
 * Records in the caller's transaction that Laravel moved a trip, and tells its users as if it had told; a trip that waits is looked for. Null
 * where it does not stand any more as it was seen, or all is well.
 */
export async function observeIn(
  connection: PoolConnection,
  { tripId, status, driverId }: SilentMove,
  rules: DispatchRules,
): Promise<{ readonly putRight: PutRight; readonly told: Told } | null> {
  const trip = await lockTrip(connection, tripId)
  if (trip === null || trip.state === null || trip.status !== status || trip.driverId !== driverId)
    return null
  if (trip.state !== trip.recorded) {
    const order = { to: trip.state, by: LARAVEL, driverId: null, reason: null, finalFare: null }
    const { moved, told } = await moveAndTell(connection, tripId, order, { rules, callbacksOf: () => [] })
    if (moved.kind !== 'moved') return null
    return { putRight: trip.state === 'pending' ? 'taken_back' : 'moved', told }
  }
  if (!isWaiting(trip) || (await lockSearch(connection, tripId)) !== null) return null
  if (!(await startDispatchIn(connection, trip, rules))) return null
  return { putRight: 'search_begun', told: { ...NOBODY_TOLD, wakes: [trip.id] } }
}

const LARAVEL = { type: 'laravel', id: null } as const
