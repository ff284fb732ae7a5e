import type { Reading } from '../../../db/moment.ts'
import type { Pool, PoolConnection } from '../../../db/pools.ts'
import type { ResultSetHeader, RowDataPacket } from '../../../db/rows.ts'

// Rows are found by an index without a lock and then locked by the primary key, in the order of the users' ids: a statement that locks
// by another index meets those that go by the primary key from the other side.

type Queryable = Pick<PoolConnection | Pool, 'query'>

/** connected: a socket is open. disconnected: none is, and he is waited for. offline: he was waited for long enough. */
export type SessionState = 'connected' | 'disconnected' | 'offline'

/** A driver's newest socket, by its fence. */
export type OwnSession = readonly [userId: string, fence: number]

export interface DriverSession {
  readonly userId: string
  readonly fence: number
  /** Where the newest socket is, or was. */
  readonly nodeId: string
  readonly state: SessionState
  /** Of who is disconnected, when he is offline at the earliest. */
  readonly graceUntil: Date | null
}

/**
 * New sockets on this node, so many for each user: connected, no grace, and the fence so much higher. Returns each user's new fence,
 * which is the last one's. The rows stay locked for the transaction. Uses the primary key.
 */
export async function openSessions(
  connection: PoolConnection,
  nodeId: string,
  counts: ReadonlyMap<string, number>,
): Promise<Map<string, number>> {
  const users = [...counts.keys()].sort()
  const values = users.map(() => "(?, ?, ?, 'connected', UTC_TIMESTAMP(3))")
  await connection.query(
    `INSERT INTO driver_sessions (user_id, fence, node_id, state, changed_at) VALUES ${values.join(', ')}
     ON DUPLICATE KEY UPDATE fence = fence + VALUES(fence), node_id = VALUES(node_id), state = 'connected',
       grace_until = NULL, changed_at = VALUES(changed_at)`,
    users.flatMap((userId) => [userId, counts.get(userId) ?? 1, nodeId]),
  )
  const [rows] = await connection.query<RowDataPacket[]>(
    'SELECT user_id, fence FROM driver_sessions WHERE user_id IN (?)',
    [users],
  )
  return new Map(rows.map((row) => [row.user_id, Number(row.fence)]))
}

/**
 * These sockets are gone: who is connected by one of them is disconnected from now on, and his grace begins. Whoever has a newer
 * one is left alone. Returns how many. Uses the primary key.
 */
export async function closeSessions(
  connection: Queryable,
  sessions: readonly OwnSession[],
  graceMs: number,
): Promise<number> {
  if (sessions.length === 0) return 0
  const [result] = await connection.query<ResultSetHeader>(
    `UPDATE driver_sessions FORCE INDEX (PRIMARY) SET state = 'disconnected', changed_at = UTC_TIMESTAMP(3),
       grace_until = UTC_TIMESTAMP(3) + INTERVAL ? MICROSECOND
     WHERE user_id IN (?) AND (user_id, fence) IN (?) AND state = 'connected'`,
    [graceMs * 1_000, usersOf(sessions), sessions],
  )
  return result.affectedRows
}

/**
 * These sockets are still there: who was taken for disconnected, and has no newer one, is connected again. Who is offline stays so.
 * Returns how many. Uses the primary key.
 */
export async function assertSessions(
  connection: PoolConnection,
  sessions: readonly OwnSession[],
): Promise<number> {
  const [result] = await connection.query<ResultSetHeader>(
    `UPDATE driver_sessions FORCE INDEX (PRIMARY)
     SET state = 'connected', grace_until = NULL, changed_at = UTC_TIMESTAMP(3)
     WHERE user_id IN (?) AND (user_id, fence) IN (?) AND state = 'disconnected'`,
    [usersOf(sessions), sessions],
  )
  return result.affectedRows
}

/** Who is connected to a node, and by which fence. Reads the index sessions_by_node alone. */
export async function readConnected(connection: Queryable, nodeId: string): Promise<Map<string, number>> {
  const [rows] = await connection.query<RowDataPacket[]>(
    "SELECT user_id, fence FROM driver_sessions WHERE node_id = ? AND state = 'connected' LIMIT 1000000",
    [nodeId],
  )
  return new Map(rows.map((row) => [row.user_id, Number(row.fence)]))
}

/** The sessions of these users; who never connected is absent. Uses the primary key. */
export async function readSessions(
  connection: Queryable,
  userIds: readonly string[],
): Promise<Map<string, DriverSession>> {
  if (userIds.length === 0) return new Map()
  const [rows] = await connection.query<RowDataPacket[]>(
    'SELECT user_id, fence, node_id, state, grace_until FROM driver_sessions WHERE user_id IN (?)',
    [userIds],
  )
  return new Map(rows.map((row) => [row.user_id, toSession(row)]))
}

/** Those of the drivers who have a socket, as far as is known. Uses the primary key. */
export function connectedAmong(driverIds: readonly string[]): Reading<ReadonlySet<string>> {
  return {
    sql: "SELECT user_id FROM driver_sessions WHERE user_id IN (?) AND state = 'connected'",
    values: [driverIds],
    resultOf: (rows) => new Set(rows.map((row) => row.user_id)),
  }
}

/** The session of a driver, locked for the transaction; null when he never connected. Uses the primary key. */
export async function lockSession(connection: PoolConnection, userId: string): Promise<DriverSession | null> {
  const [[row]] = await connection.query<RowDataPacket[]>(
    `SELECT user_id, fence, node_id, state, grace_until FROM driver_sessions WHERE user_id = ? FOR UPDATE`,
    [userId],
  )
  return row ? toSession(row) : null
}

/** Some who are connected to a node. Reads the index sessions_by_node alone. */
export async function someConnected(
  connection: Queryable,
  nodeId: string,
  limit: number,
): Promise<OwnSession[]> {
  const [rows] = await connection.query<RowDataPacket[]>(
    "SELECT user_id, fence FROM driver_sessions WHERE node_id = ? AND state = 'connected' LIMIT ?",
    [nodeId, limit],
  )
  return rows.map((row) => [row.user_id, Number(row.fence)])
}

/** Some whose grace is over, the longest first. Uses sessions_by_grace. */
export async function someOverdue(connection: Queryable, limit: number): Promise<string[]> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT user_id FROM driver_sessions WHERE state = 'disconnected' AND grace_until <= UTC_TIMESTAMP(3)
     ORDER BY grace_until LIMIT ?`,
    [limit],
  )
  return rows.map((row) => row.user_id)
}

/**
 * Those of the users whose grace is over are offline from now on; returns who. Rows that anybody has locked are passed by: he is
 * reconnecting, or another process takes him. Uses the primary key.
 */
export async function endGraces(connection: PoolConnection, userIds: readonly string[]): Promise<string[]> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT user_id FROM driver_sessions FORCE INDEX (PRIMARY)
     WHERE user_id IN (?) AND state = 'disconnected' AND grace_until <= UTC_TIMESTAMP(3)
     ORDER BY user_id FOR UPDATE SKIP LOCKED`,
    [userIds],
  )
  const taken = rows.map((row) => row.user_id as string)
  if (taken.length > 0)
    await connection.query(
      `UPDATE driver_sessions FORCE INDEX (PRIMARY)
       SET state = 'offline', grace_until = NULL, changed_at = UTC_TIMESTAMP(3) WHERE user_id IN (?)`,
      [taken],
    )
  return taken
}

function usersOf(sessions: readonly OwnSession[]): string[] {
  return sessions.map(([userId]) => userId)
}

function toSession(row: RowDataPacket): DriverSession {
  return {
    userId: row.user_id,
    fence: Number(row.fence),
    nodeId: row.node_id,
    state: row.state,
    graceUntil: row.grace_until,
  }
}
