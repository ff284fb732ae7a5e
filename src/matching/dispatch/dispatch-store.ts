import type { Pool, PoolConnection } from '../../../db/pools.ts'
import type { RowDataPacket } from '../../../db/rows.ts'
import { inTransaction, READ_TIMEOUT_MS, withConnection } from '../../../db/transaction.ts'
import type { DispatchPolicy, Fare, Place, Trip } from '../trips/trip.ts'
import { toPlace } from '../trips/trip-reader.ts'
import type { DispatchRules } from './settings.ts'

type Queryable = Pick<PoolConnection | Pool, 'query'>

/** Whoever began it looks at it at once; only where he died first does another, after this. */
const OWN_WAKE_MS = 1_000

/**
 * More than a search has. The search for a trip that its driver gave up has other rounds than the one before it: who slept through all that
 * decides nothing by what he knew.
 */
const SEARCH_ROUNDS = 1_000

/**
 * Begins to look for a driver, in the caller's transaction, which holds the trip's lock; where somebody looks already, it begins anew.
 * Wake the dispatcher with the trip's id after the commit. False where too little is known of the trip to look for anybody.
 */
export async function startDispatchIn(
  connection: PoolConnection,
  { id, details, zoneId, category, version }: Trip,
  rules: DispatchRules,
): Promise<boolean> {
  if (details === null || category === null) return false
  const zone = zoneId ?? details.zoneId
  const settings = rules.settingsOf(zone, category)
  const policy = details.policy ?? settings.policy
  const nextInMs = policy === 'batch' ? 0 : OWN_WAKE_MS
  await connection.query(
    `INSERT INTO trip_dispatches (trip_id, zone_id, category, policy, round, asked, since, deadline_at, next_at)
     VALUES (?, ?, ?, ?, ?, 0, UTC_TIMESTAMP(3), UTC_TIMESTAMP(3) + INTERVAL ? MICROSECOND,
       UTC_TIMESTAMP(3) + INTERVAL ? MICROSECOND)
     ON DUPLICATE KEY UPDATE zone_id = VALUES(zone_id), category = VALUES(category), policy = VALUES(policy),
       round = round + 1, asked = 0, since = VALUES(since), deadline_at = VALUES(deadline_at), next_at = VALUES(next_at)`,
    [
      id,
      zone ?? '',
      category,
      policy,
      (version - 1) * SEARCH_ROUNDS,
      settings.matchTimeoutMs * 1_000,
      nextInMs * 1_000,
    ],
  )
  return true
}

/** Nobody looks for a driver any more. In the transaction that holds the trip's lock. Uses the primary key. */
export async function endDispatchIn(connection: PoolConnection, tripId: string): Promise<void> {
  await connection.query('DELETE FROM trip_dispatches WHERE trip_id = ?', [tripId])
}

/** A trip for which a driver is looked for, as it stands. */
export interface Search {
  readonly tripId: string
  /** Null: none was said. */
  readonly zoneId: string | null
  readonly category: string
  readonly policy: DispatchPolicy
  readonly round: number
  /** How many offers were made since it began. */
  readonly asked: number
  readonly waitedMs: number
  /** Its deadline has passed, on the database's clock. */
  readonly isOverdue: boolean
  readonly pickup: Place
  readonly destination: Place
  readonly estimatedFare: Fare
  readonly paymentMethod: string | null
}

export const SEARCH_COLUMNS = `s.trip_id, s.zone_id, s.category, s.policy, s.round, s.asked,
  TIMESTAMPDIFF(MICROSECOND, s.since, UTC_TIMESTAMP(3)) DIV 1000 AS waited_ms, s.deadline_at <= UTC_TIMESTAMP(3) AS overdue,
  d.pickup_latitude, d.pickup_longitude, d.pickup_address, d.destination_latitude, d.destination_longitude,
  d.destination_address, d.estimated_fare_minor, d.currency, d.payment_method`

/** Reads where these searches stand; what is over is absent. Uses the primary keys. */
export async function readSearches(connection: Queryable, tripIds: readonly string[]): Promise<Search[]> {
  if (tripIds.length === 0) return []
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT ${SEARCH_COLUMNS} FROM trip_dispatches AS s JOIN trip_details AS d ON d.trip_id = s.trip_id
     WHERE s.trip_id IN (?)`,
    [tripIds],
  )
  return rows.map(toSearch)
}

/** Somebody who took a search and died has had it for this long; then it is anybody's. */
const CLAIM_MS = 3_000

/** Whether there is a search to be taken. Nearly every look finds none, and then costs one round trip instead of a transaction's three. Uses dispatches_by_time. */
export async function isSearchDue(connection: Queryable): Promise<boolean> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT 1 FROM trip_dispatches FORCE INDEX (dispatches_by_time)
     WHERE next_at <= UTC_TIMESTAMP(3) AND policy <> 'batch' LIMIT 1`,
  )
  return rows.length > 0
}

/**
 * Takes searches that are due, but for those of `batch`, for a moment: who waits for longest comes first. Processes share them. Uses
 * dispatches_by_time.
 */
export async function claimDueSearches(
  pool: Pool,
  limit: number,
): Promise<{ readonly tripId: string; readonly lateMs: number }[]> {
  if (!(await withConnection(pool, 'due searches', READ_TIMEOUT_MS, isSearchDue))) return []
  return inTransaction(pool, 'claim searches', async (connection) => {
    const [rows] = await connection.query<RowDataPacket[]>(
      `SELECT trip_id, since, TIMESTAMPDIFF(MICROSECOND, next_at, UTC_TIMESTAMP(3)) DIV 1000 AS late_ms
       FROM trip_dispatches FORCE INDEX (dispatches_by_time)
       WHERE next_at <= UTC_TIMESTAMP(3) AND policy <> 'batch' ORDER BY next_at LIMIT ? FOR UPDATE SKIP LOCKED`,
      [limit],
    )
    if (rows.length === 0) return []
    const due = rows.toSorted((a, b) => a.since.getTime() - b.since.getTime())
    await connection.query(
      'UPDATE trip_dispatches SET next_at = UTC_TIMESTAMP(3) + INTERVAL ? MICROSECOND WHERE trip_id IN (?)',
      [CLAIM_MS * 1_000, due.map((row) => row.trip_id)],
    )
    return due.map((row) => ({ tripId: row.trip_id, lateMs: Math.max(Number(row.late_ms), 0) }))
  })
}

/** Locks a search; null where it is over. Its trip is locked before. Uses the primary key. */
export async function lockSearch(
  connection: PoolConnection,
  tripId: string,
): Promise<{ round: number } | null> {
  const [rows] = await connection.query<RowDataPacket[]>(
    'SELECT round FROM trip_dispatches WHERE trip_id = ? FOR UPDATE',
    [tripId],
  )
  return rows[0] ? { round: Number(rows[0].round) } : null
}

/** Notes a decision: a locked search is looked at again at `nextAt`, on the database's clock, and has asked so many more. */
export async function advanceSearch(
  connection: PoolConnection,
  tripId: string,
  { asked, nextAt }: { readonly asked: number; readonly nextAt: Date },
): Promise<void> {
  await connection.query(
    'UPDATE trip_dispatches SET round = round + 1, asked = asked + ?, next_at = LEAST(?, deadline_at) WHERE trip_id = ?',
    [asked, nextAt, tripId],
  )
}

/** Nothing was decided, and nothing is to be done before `inMs`. A newer decision stands. Uses the primary key. */
export async function postponeSearch(
  connection: Queryable,
  { tripId, round }: Search,
  inMs: number,
): Promise<void> {
  await connection.query(
    `UPDATE trip_dispatches SET next_at = LEAST(UTC_TIMESTAMP(3) + INTERVAL ? MICROSECOND, deadline_at)
     WHERE trip_id = ? AND round = ?`,
    [Math.ceil(inMs) * 1_000, tripId, round],
  )
}

/** Who waits for longest in a zone and category, but for those of `batch`. Uses dispatches_by_group. */
export async function oldestSearches(
  connection: Queryable,
  zoneId: string,
  category: string,
  limit: number,
): Promise<string[]> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT trip_id FROM trip_dispatches WHERE zone_id = ? AND category = ?
       AND policy IN ('nearest', 'broadcast', 'bidding') ORDER BY since LIMIT ?`,
    [zoneId, category, limit],
  )
  return rows.map((row) => row.trip_id)
}

export function toSearch(row: RowDataPacket): Search {
  return {
    tripId: row.trip_id,
    zoneId: row.zone_id === '' ? null : row.zone_id,
    category: row.category,
    policy: row.policy,
    round: Number(row.round),
    asked: Number(row.asked),
    waitedMs: Math.max(Number(row.waited_ms), 0),
    isOverdue: Number(row.overdue) === 1,
    pickup: toPlace(row.pickup_latitude, row.pickup_longitude, row.pickup_address),
    destination: toPlace(row.destination_latitude, row.destination_longitude, row.destination_address),
    estimatedFare: { amountMinor: BigInt(row.estimated_fare_minor), currency: row.currency },
    paymentMethod: row.payment_method,
  }
}
