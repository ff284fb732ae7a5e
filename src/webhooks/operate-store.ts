import type { Pool, PoolConnection } from '../../db/pools.ts'
import type { RowDataPacket } from '../../db/rows.ts'
import type { Id } from '../base/ids.ts'
import { and, conditionOf, type ReplayFilter } from './event-filter.ts'
import type { JudgedEvent } from './permission.ts'

/** An event that this transaction has locked for a person. */
export interface OperableEvent extends JudgedEvent {
  readonly id: Id
  readonly reason: string | null
}

const OPERABLE_COLUMNS = 'id, state, outcome, reason, conflicts_with, approved, fact_kind'

/**
 * Locks events by id, ascending. `wait`: for a worker in the middle of one, as long as the pool's lock wait allows, since
 * a person asked for just these. `skip`: leaves what others hold to them. Uses the primary key.
 */
export async function lockForOperation(
  connection: PoolConnection,
  ids: readonly Id[],
  held: 'wait' | 'skip',
): Promise<OperableEvent[]> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT ${OPERABLE_COLUMNS} FROM webhook_events WHERE id IN (?) ORDER BY id
     FOR UPDATE ${held === 'skip' ? 'SKIP LOCKED' : ''}`,
    [ids],
  )
  return rows.map(toOperable)
}

/** The events as they are now, without a lock. Uses the primary key. */
export async function readForOperation(
  pool: Pick<Pool, 'query'>,
  ids: readonly Id[],
): Promise<OperableEvent[]> {
  const [rows] = await pool.query<RowDataPacket[]>(
    `SELECT ${OPERABLE_COLUMNS} FROM webhook_events WHERE id IN (?) ORDER BY id`,
    [ids],
  )
  return rows.map(toOperable)
}

function toOperable(row: RowDataPacket): OperableEvent {
  return {
    id: row.id,
    state: row.state,
    outcome: row.outcome,
    reason: row.reason,
    isConflict: row.conflicts_with !== null,
    approved: row.approved === 1,
    hasFact: row.fact_kind !== null,
  }
}

/** What permission.ts lets a replay touch, as SQL, so that a page is full of what counts. */
const REPLAYABLE = {
  sql: `(outcome IS NULL OR outcome <> 'applied') AND (conflicts_with IS NULL OR approved = 1)
    AND state IN ('processed', 'quarantined', 'parked', 'unconfirmed', 'dead')`,
  values: [],
}

/**
 * The next ids after `after` that a replay of this filter may touch, without a lock. Uses the index due, whose entries of
 * one state are in the order of ids.
 */
export async function findOperable(
  pool: Pick<Pool, 'query'>,
  filter: ReplayFilter,
  after: Id,
  limit: number,
): Promise<Id[]> {
  const { sql, values } = and([conditionOf(filter), REPLAYABLE, { sql: 'id > ?', values: [after] }])
  const [rows] = await pool.query<RowDataPacket[]>(
    `SELECT id FROM webhook_events WHERE ${sql} ORDER BY id LIMIT ?`,
    [...values, limit],
  )
  return rows.map((row) => row.id)
}

/** Ends locked events by a person's word. Uses the primary key. */
export async function discardLocked(connection: PoolConnection, ids: readonly Id[]): Promise<void> {
  await connection.query(
    `UPDATE webhook_events SET state = 'discarded', outcome = NULL, reason = 'discarded_by_operator', next_at = NULL,
       finished_at = UTC_TIMESTAMP(3)
     WHERE id IN (?) AND state IN ('received', 'paused', 'parked', 'unconfirmed', 'quarantined', 'dead')`,
    [ids],
  )
}

/** What these events waited for, they wait for no longer. Uses the index event. */
export async function leaveWaitingRoom(connection: PoolConnection, ids: readonly Id[]): Promise<void> {
  await connection.query('DELETE FROM webhook_parked WHERE event_id IN (?)', [ids])
}
