import type { Pool, PoolConnection } from '../../../db/pools.ts'
import type { ResultSetHeader, RowDataPacket } from '../../../db/rows.ts'
import type { PresenceTempo } from './presence-tempo.ts'

type Queryable = Pick<PoolConnection | Pool, 'query'>

/** A process that holds sockets, as its lease says. */
export interface NodeLease {
  readonly nodeId: string
  readonly isLive: boolean
  /** For how long it has been renewed without a long gap; 0 when its last renewal is too old. Milliseconds. */
  readonly steadyMs: number
}

/**
 * Renews a lease and keeps its row locked for the transaction; false when it is over or gone, and nothing was done. A gap that
 * is too long since the last renewal ends its steadiness. Uses the primary key.
 */
export async function renewLease(
  connection: Queryable,
  nodeId: string,
  tempo: PresenceTempo,
): Promise<boolean> {
  // Assigned from left to right: steady_since is decided by the lease as it was.
  const [result] = await connection.query<ResultSetHeader>(
    `UPDATE node_leases SET
       steady_since = IF(lease_until < UTC_TIMESTAMP(3) + INTERVAL ? MICROSECOND, UTC_TIMESTAMP(3), steady_since),
       lease_until = UTC_TIMESTAMP(3) + INTERVAL ? MICROSECOND
     WHERE node_id = ? AND lease_until > UTC_TIMESTAMP(3)`,
    [restMicros(tempo), micros(tempo.leaseMs), nodeId],
  )
  return result.affectedRows === 1
}

/** Takes a lease, new or lost, and keeps its row locked for the transaction. It is steady from now on. Uses the primary key. */
export async function takeLease(connection: Queryable, nodeId: string, tempo: PresenceTempo): Promise<void> {
  await connection.query(
    `INSERT INTO node_leases (node_id, lease_until, steady_since)
     VALUES (?, UTC_TIMESTAMP(3) + INTERVAL ? MICROSECOND, UTC_TIMESTAMP(3))
     ON DUPLICATE KEY UPDATE lease_until = VALUES(lease_until), steady_since = VALUES(steady_since)`,
    [nodeId, micros(tempo.leaseMs)],
  )
}

/** All leases that there are, those that are over too. Reads the whole table: one row a process. */
export async function readLeases(connection: Queryable, tempo: PresenceTempo): Promise<NodeLease[]> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT node_id, lease_until > UTC_TIMESTAMP(3) AS is_live,
       IF(lease_until < UTC_TIMESTAMP(3) + INTERVAL ? MICROSECOND, 0,
         TIMESTAMPDIFF(MICROSECOND, steady_since, UTC_TIMESTAMP(3)) DIV 1000) AS steady_ms
     FROM node_leases ORDER BY node_id LIMIT 10000`,
    [restMicros(tempo)],
  )
  return rows.map((row) => ({
    nodeId: row.node_id,
    isLive: Number(row.is_live) === 1,
    steadyMs: Number(row.steady_ms),
  }))
}

/** Whether a lease has been renewed without a long gap for so long, up to this moment. Uses the primary key. */
export async function isSteady(
  connection: Queryable,
  nodeId: string,
  forMs: number,
  tempo: PresenceTempo,
): Promise<boolean> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT 1 FROM node_leases WHERE node_id = ? AND steady_since <= UTC_TIMESTAMP(3) - INTERVAL ? MICROSECOND
       AND lease_until >= UTC_TIMESTAMP(3) + INTERVAL ? MICROSECOND`,
    [nodeId, micros(forMs), restMicros(tempo)],
  )
  return rows.length === 1
}

/** Locks a lease that is over; false when it is not, or when somebody else has it in hand. Uses the primary key. */
export async function lockDeadLease(connection: PoolConnection, nodeId: string): Promise<boolean> {
  const [rows] = await connection.query<RowDataPacket[]>(
    'SELECT 1 FROM node_leases WHERE node_id = ? AND lease_until <= UTC_TIMESTAMP(3) FOR UPDATE SKIP LOCKED',
    [nodeId],
  )
  return rows.length === 1
}

/** Gives a lease back. Uses the primary key. */
export async function dropLease(connection: Queryable, nodeId: string): Promise<void> {
  await connection.query('DELETE FROM node_leases WHERE node_id = ?', [nodeId])
}

/** What is left of a lease at the end of the longest gap between two renewals that still counts as steady. */
function restMicros({ leaseMs, steadyGapMs }: PresenceTempo): number {
  return micros(leaseMs - steadyGapMs)
}

function micros(ms: number): number {
  return Math.round(ms * 1_000)
}
