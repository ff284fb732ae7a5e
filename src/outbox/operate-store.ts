import type { Pool, PoolConnection } from '../../db/pools.ts'
import type { RowDataPacket } from '../../db/rows.ts'
import type { Id } from '../base/ids.ts'
import type { OutboxState } from './message.ts'
import { RETENTION_HOURS, wakeNext } from './settlement-store.ts'

/** A message that a person wants to decide about. */
export interface OperableMessage {
  readonly id: Id
  readonly topic: string
  readonly orderingKey: string
  readonly state: OutboxState
  readonly reason: string | null
}

const COLUMNS = 'id, topic, ordering_key, state, reason'

/** Locks messages by id, ascending, and waits for those that are being claimed or settled. Uses the primary key. */
export async function lockMessages(
  connection: PoolConnection,
  topic: string,
  ids: readonly Id[],
): Promise<OperableMessage[]> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT ${COLUMNS} FROM outbox FORCE INDEX (PRIMARY) WHERE id IN (?) AND topic = ? ORDER BY id FOR UPDATE`,
    [ids, topic],
  )
  return rows.map(toOperable)
}

/** The messages as they are now, without a lock. Uses the primary key. */
export async function readMessages(
  pool: Pick<Pool, 'query'>,
  topic: string,
  ids: readonly Id[],
): Promise<OperableMessage[]> {
  const [rows] = await pool.query<RowDataPacket[]>(
    `SELECT ${COLUMNS} FROM outbox WHERE id IN (?) AND topic = ? ORDER BY id`,
    [ids, topic],
  )
  return rows.map(toOperable)
}

function toOperable(row: RowDataPacket): OperableMessage {
  return {
    id: row.id,
    topic: row.topic,
    orderingKey: row.ordering_key,
    state: row.state,
    reason: row.reason,
  }
}

/** Puts locked dead letters back into their places: a new day of trying begins. Uses the primary key. */
export async function reopenMessages(connection: PoolConnection, ids: readonly Id[]): Promise<void> {
  await connection.query(
    `UPDATE outbox SET state = 'pending', reason = NULL, attempts = 0, first_attempt_at = NULL, finished_at = NULL,
       claimable_at = NULL, next_at = UTC_TIMESTAMP(3)
     WHERE id IN (?) AND state = 'dead'`,
    [ids],
  )
}

/** Ends locked messages that are not in flight. Wake the next of their keys afterwards. Uses the primary key. */
export async function discardMessages(
  connection: PoolConnection,
  messages: readonly OperableMessage[],
): Promise<void> {
  await connection.query(
    `UPDATE outbox SET state = 'discarded', reason = 'discarded_by_operator', finished_at = UTC_TIMESTAMP(3),
       claimable_at = NULL, next_at = UTC_TIMESTAMP(3) + INTERVAL ? HOUR
     WHERE id IN (?) AND state IN ('pending', 'dead')`,
    [RETENTION_HOURS, messages.map(({ id }) => id)],
  )
}

/**
 * Wakes the next of these messages' keys, and returns those that were woken. Inside the transaction of a discard, so that its
 * end wakes them whatever dies, and after it for those that were added meanwhile.
 */
export async function wakeKeysOf(
  connection: PoolConnection | Pool,
  messages: readonly OperableMessage[],
): Promise<Id[]> {
  const keys = new Map(
    messages.map(({ topic, orderingKey }) => [`${topic} ${orderingKey}`, { topic, orderingKey }]),
  )
  const woken: Id[] = []
  for (const { topic, orderingKey } of keys.values()) {
    const next = await wakeNext(connection, topic, orderingKey)
    if (next !== null) woken.push(next)
  }
  return woken
}
