import type { Pool, PoolConnection } from '../../db/pools.ts'
import type { RowDataPacket } from '../../db/rows.ts'
import type { Id } from '../base/ids.ts'
import { FOLLOWER_LOOK_SECONDS } from './append.ts'
import type { ClaimedMessage } from './message.ts'

type Queryable = Pick<PoolConnection | Pool, 'query'>

/**
 * Claims those of the messages that may be sent now, in one transaction of the caller's: the oldest unfinished of its key,
 * with no other of the key in flight, its back-off or its former lease over. The claim ends with the lease, on the
 * database's clock, and counts as an attempt. Others of the messages wait to be woken by the end of the one before them.
 * What somebody else has locked is left to him. Messages are locked by the primary key, turns in the order of their keys.
 */
export async function claimTurns(
  connection: PoolConnection,
  topic: string,
  ids: readonly Id[],
  leaseSeconds: number,
): Promise<ClaimedMessage[]> {
  const candidates = await lockClaimable(connection, topic, ids)
  const heads = await onlyHeads(connection, candidates)
  const turns = await takeTurns(connection, topic, heads)
  const taken = new Set(turns.map(hexOf))
  await postpone(
    connection,
    candidates.filter(({ id }) => !taken.has(id.toString('hex'))).map(({ id }) => id),
  )
  if (turns.length === 0) return []
  await connection.query(
    `UPDATE outbox SET state = 'sending', fence = fence + 1, attempts = LEAST(attempts + 1, 65535),
       first_attempt_at = COALESCE(first_attempt_at, UTC_TIMESTAMP(3)),
       claimable_at = UTC_TIMESTAMP(3) + INTERVAL ? SECOND, next_at = UTC_TIMESTAMP(3) + INTERVAL ? SECOND
     WHERE id IN (?)`,
    [leaseSeconds, leaseSeconds, turns],
  )
  return readClaimed(connection, turns)
}

interface Candidate {
  readonly id: Id
  readonly orderingKey: string
}

/** Uses the primary key, by force: on another index it would touch, for a moment, rows that others came for. */
async function lockClaimable(
  connection: PoolConnection,
  topic: string,
  ids: readonly Id[],
): Promise<Candidate[]> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT id, ordering_key FROM outbox FORCE INDEX (PRIMARY)
     WHERE id IN (?) AND topic = ? AND state IN ('pending', 'sending')
       AND (claimable_at IS NULL OR claimable_at <= UTC_TIMESTAMP(3))
     ORDER BY id FOR UPDATE SKIP LOCKED`,
    [ids, topic],
  )
  return rows.map((row) => ({ id: row.id, orderingKey: row.ordering_key }))
}

/**
 * Those with nothing unfinished before them in their key, and those in flight: they have their turn already, and keep it before
 * older ones that came back meanwhile, also when their lease is over. A statement of its own after the locks: whoever ends the message
 * before one of these either did so in time to be seen here, or will wake it after this transaction. Uses the index turn.
 */
async function onlyHeads(connection: Queryable, candidates: readonly Candidate[]): Promise<Candidate[]> {
  if (candidates.length === 0) return []
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT m.id, m.ordering_key FROM outbox AS m FORCE INDEX (PRIMARY) WHERE m.id IN (?) AND (m.state = 'sending' OR (
       NOT EXISTS (SELECT 1 FROM outbox AS p FORCE INDEX (turn) WHERE p.topic = m.topic
         AND p.ordering_key = m.ordering_key AND p.state = 'pending' AND p.seq < m.seq)
       AND NOT EXISTS (SELECT 1 FROM outbox AS s FORCE INDEX (turn) WHERE s.topic = m.topic
         AND s.ordering_key = m.ordering_key AND s.state = 'sending' AND s.seq < m.seq)))`,
    [candidates.map(({ id }) => id)],
  )
  return rows.map((row) => ({ id: row.id, orderingKey: row.ordering_key }))
}

/** The turn is a row of its key: who finds another message's there has to wait. Uses the primary key. */
async function takeTurns(connection: Queryable, topic: string, heads: readonly Candidate[]): Promise<Id[]> {
  if (heads.length === 0) return []
  const sorted = heads.toSorted((a, b) => (a.orderingKey < b.orderingKey ? -1 : 1))
  await connection.query(
    'INSERT INTO outbox_turns (topic, ordering_key, message_id) VALUES ? ON DUPLICATE KEY UPDATE message_id = message_id',
    [sorted.map(({ id, orderingKey }) => [topic, orderingKey, id])],
  )
  const [rows] = await connection.query<RowDataPacket[]>(
    'SELECT message_id FROM outbox_turns WHERE topic = ? AND ordering_key IN (?)',
    [topic, sorted.map(({ orderingKey }) => orderingKey)],
  )
  const holders = new Set(rows.map((row) => hexOf(row.message_id)))
  return sorted.map(({ id }) => id).filter((id) => holders.has(hexOf(id)))
}

async function postpone(connection: Queryable, ids: readonly Id[]): Promise<void> {
  if (ids.length === 0) return
  await connection.query(
    `UPDATE outbox SET next_at = UTC_TIMESTAMP(3) + INTERVAL ? SECOND WHERE id IN (?) AND state = 'pending'`,
    [FOLLOWER_LOOK_SECONDS, ids],
  )
}

async function readClaimed(connection: Queryable, ids: readonly Id[]): Promise<ClaimedMessage[]> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT id, topic, ordering_key, seq, event, payload, trace_id, attempts, fence, created_at,
       TIMESTAMPDIFF(MICROSECOND, first_attempt_at, UTC_TIMESTAMP(3)) / 1000 AS tried_for_ms
     FROM outbox WHERE id IN (?) ORDER BY seq`,
    [ids],
  )
  return rows.map((row) => ({
    id: row.id,
    topic: row.topic,
    orderingKey: row.ordering_key,
    sequence: Number(row.seq),
    event: row.event,
    payload: row.payload,
    traceId: row.trace_id,
    attempt: row.attempts,
    fence: row.fence,
    createdAt: row.created_at,
    triedForMs: Number(row.tried_for_ms),
  }))
}

/**
 * Takes messages whose time has come and that are the oldest of their keys, and puts the sweeper's next look at them ahead, so
 * that no two sweepers ring the same ones at once: first those whose lease is over. What only waits for another is looked
 * at much later. Uses the index due_of_topic. `seen` counts the others too: fewer than `limit` means that nothing is left.
 */
export async function takeDueHeads(
  connection: PoolConnection,
  topic: string,
  limit: number,
  nextLookSeconds: number,
  overdueSeconds = 0,
): Promise<{ readonly ids: Id[]; readonly seen: number }> {
  const candidates: Candidate[] = []
  for (const state of ['sending', 'pending'] as const) {
    if (candidates.length >= limit) break
    const [rows] = await connection.query<RowDataPacket[]>(
      `SELECT id, ordering_key FROM outbox FORCE INDEX (due_of_topic)
       WHERE topic = ? AND state = ? AND next_at <= UTC_TIMESTAMP(3) - INTERVAL ? SECOND
       ORDER BY next_at LIMIT ? FOR UPDATE SKIP LOCKED`,
      [topic, state, overdueSeconds, limit - candidates.length],
    )
    candidates.push(...rows.map((row) => ({ id: row.id, orderingKey: row.ordering_key })))
  }
  const ids = (await onlyHeads(connection, candidates)).map(({ id }) => id)
  const heads = new Set(ids.map(hexOf))
  await postpone(
    connection,
    candidates.map(({ id }) => id).filter((id) => !heads.has(hexOf(id))),
  )
  if (ids.length > 0) {
    await connection.query(
      'UPDATE outbox SET next_at = UTC_TIMESTAMP(3) + INTERVAL ? SECOND WHERE id IN (?)',
      [nextLookSeconds, ids],
    )
  }
  return { ids, seen: candidates.length }
}

/** Removes messages that are done or discarded and whose time is over; returns how many. Uses the index due_of_topic. */
export async function pruneFinished(
  connection: PoolConnection,
  topic: string,
  limit: number,
): Promise<number> {
  const ids: Id[] = []
  for (const state of ['done', 'discarded'] as const) {
    const [rows] = await connection.query<RowDataPacket[]>(
      `SELECT id FROM outbox FORCE INDEX (due_of_topic) WHERE topic = ? AND state = ? AND next_at <= UTC_TIMESTAMP(3)
       ORDER BY next_at LIMIT ? FOR UPDATE SKIP LOCKED`,
      [topic, state, limit],
    )
    ids.push(...rows.map((row) => row.id as Id))
  }
  if (ids.length > 0) await connection.query('DELETE FROM outbox WHERE id IN (?)', [ids])
  return ids.length
}

function hexOf(id: Id): string {
  return id.toString('hex')
}
