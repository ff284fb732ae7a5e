import type { PoolConnection } from '../../../db/pools.ts'
import type { RowDataPacket } from '../../../db/rows.ts'

// When many searches are to be looked at. Whoever says it has decided nothing: a search that somebody else has locked is his, who says
// when it is looked at himself, and nobody waits for him here.

/**
 * A window has found nobody for these: they have been looked at, and are in the next one. In the caller's transaction. Uses the primary
 * key.
 */
export async function lookedAt(connection: PoolConnection, tripIds: readonly string[]): Promise<void> {
  const free = await lockFree(connection, tripIds)
  if (free.length === 0) return
  await connection.query(
    `UPDATE trip_dispatches SET next_at = UTC_TIMESTAMP(3) WHERE trip_id IN (?) AND next_at < UTC_TIMESTAMP(3)`,
    [free],
  )
}

/** Whoever heard it looks at once; should he die, another does after this. */
const OWN_WAKE_MS = 1_000

/**
 * These trips have lost a driver who was asked: they are looked at within a second, whoever dies. In the transaction that withdraws the
 * offers, after all its locks but the outbox's and the feeds': they are other trips, whose locks nobody here has, so that a wait could be
 * one for each other. What is passed by is in the hands of who looks at it. Wake the dispatcher for the trips after the commit. Uses the
 * primary key.
 */
export async function lookSoonIn(connection: PoolConnection, tripIds: readonly string[]): Promise<void> {
  const free = await lockFree(connection, tripIds)
  if (free.length === 0) return
  await connection.query(
    `UPDATE trip_dispatches SET next_at = LEAST(next_at, UTC_TIMESTAMP(3) + INTERVAL ? MICROSECOND) WHERE trip_id IN (?)`,
    [OWN_WAKE_MS * 1_000, free],
  )
}

/** Locks those of the searches that nobody else has. Uses the primary key. */
async function lockFree(connection: PoolConnection, tripIds: readonly string[]): Promise<string[]> {
  if (tripIds.length === 0) return []
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT trip_id FROM trip_dispatches FORCE INDEX (PRIMARY) WHERE trip_id IN (?) ORDER BY trip_id
     FOR UPDATE SKIP LOCKED`,
    [tripIds],
  )
  return rows.map((row) => row.trip_id)
}
