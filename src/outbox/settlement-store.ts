import type { Pool, PoolConnection } from '../../db/pools.ts'
import type { ResultSetHeader, RowDataPacket } from '../../db/rows.ts'
import { inTransaction, READ_TIMEOUT_MS, withConnection } from '../../db/transaction.ts'
import type { Id } from '../base/ids.ts'
import type { ClaimedMessage, Settlement } from './message.ts'

type Queryable = Pick<PoolConnection | Pool, 'query'>

/** After success a row stays for whoever asks what was sent, and for no longer. */
export const RETENTION_HOURS = 72
const ERROR_LIMIT_CHARACTERS = 500

/** What a settlement led to. `isOurs` false: the lease was over, and somebody else has the message; nothing was written. */
export interface Settled {
  readonly isOurs: boolean
  /** The next message of the key, whose turn it is now; null when none waits. Ring for it after the commit. */
  readonly next: Id | null
}

/**
 * Does more in the transaction of a settlement: what is locked before the outbox before `settle`, which it calls once, and what is
 * written only by whoever has the message, feeds above all, after it and if it was ours. It may run several times.
 */
export type AroundSettlement = (
  connection: PoolConnection,
  settle: () => Promise<Settled>,
) => Promise<Settled>

/**
 * Writes what became of a message in flight, if this claim is still the last one, in a transaction of its own. The end of
 * a message gives its turn away and wakes the next of its key; a retry gives the turn away and stays the oldest.
 */
export async function settleMessage(
  pool: Pool,
  claim: Pick<ClaimedMessage, 'id' | 'fence' | 'topic' | 'orderingKey'>,
  settlement: Settlement,
  around: AroundSettlement = (_, settle) => settle(),
): Promise<Settled> {
  const settled = await inTransaction(pool, 'settle a message', (connection) =>
    around(connection, () => writeSettlement(connection, claim, settlement)),
  )
  const hasEnded = settlement.kind === 'done' || settlement.kind === 'dead'
  if (!settled.isOurs || !hasEnded || settled.next !== null) return settled
  // A message may have been added after our look for one, and been put off because ours was not committed as ended: both
  // have written and committed, and then look. Should this look fail, the sweeper's comes in some minutes.
  const next = await withConnection(pool, 'wake the next', READ_TIMEOUT_MS, (connection) =>
    wakeNext(connection, claim.topic, claim.orderingKey),
  ).catch(() => null)
  return { isOurs: true, next }
}

async function writeSettlement(
  connection: PoolConnection,
  claim: Pick<ClaimedMessage, 'id' | 'fence' | 'topic' | 'orderingKey'>,
  settlement: Settlement,
): Promise<Settled> {
  const { sql, values } = changeOf(settlement)
  const [result] = await connection.query<ResultSetHeader>(
    `UPDATE outbox SET ${sql} WHERE id = ? AND fence = ? AND state = 'sending'`,
    [...values, claim.id, claim.fence],
  )
  if (result.affectedRows === 0) return { isOurs: false, next: null }
  const next = await wakeNext(connection, claim.topic, claim.orderingKey)
  await giveTurnAway(connection, claim)
  return { isOurs: true, next }
}

function changeOf(settlement: Settlement): { sql: string; values: unknown[] } {
  const finished =
    'reason = ?, last_error = ?, response_status = ?, finished_at = UTC_TIMESTAMP(3), claimable_at = NULL'
  switch (settlement.kind) {
    case 'done':
      return {
        sql: `state = 'done', ${finished}, next_at = UTC_TIMESTAMP(3) + INTERVAL ? HOUR`,
        values: [null, null, settlement.status, RETENTION_HOURS],
      }
    case 'dead': {
      const { reason, error, status } = settlement
      return {
        sql: `state = 'dead', ${finished}, next_at = NULL`,
        values: [reason, error.slice(0, ERROR_LIMIT_CHARACTERS), status],
      }
    }
    case 'retry':
    case 'away': {
      const attempts = settlement.kind === 'away' ? 'attempts = attempts - 1, ' : ''
      const later = 'UTC_TIMESTAMP(3) + INTERVAL ? MICROSECOND'
      const delayMicroseconds = Math.round(settlement.delayMs * 1_000)
      return {
        sql: `state = 'pending', ${attempts}last_error = ?, response_status = ?, claimable_at = ${later}, next_at = ${later}`,
        values: [
          settlement.error.slice(0, ERROR_LIMIT_CHARACTERS),
          settlement.status,
          delayMicroseconds,
          delayMicroseconds,
        ],
      }
    }
    case 'released':
      return {
        sql: `state = 'pending', attempts = attempts - 1, claimable_at = NULL, next_at = UTC_TIMESTAMP(3)`,
        values: [],
      }
  }
}

/** The oldest message that waits in the key, due at once unless it is in a back-off of its own. Uses the index turn. */
export async function wakeNext(
  connection: Queryable,
  topic: string,
  orderingKey: string,
): Promise<Id | null> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT id FROM outbox FORCE INDEX (turn) WHERE topic = ? AND ordering_key = ? AND state = 'pending'
     ORDER BY seq LIMIT 1`,
    [topic, orderingKey],
  )
  const next = rows[0]?.id as Id | undefined
  if (next === undefined) return null
  const [result] = await connection.query<ResultSetHeader>(
    `UPDATE outbox SET next_at = UTC_TIMESTAMP(3) WHERE id = ? AND state = 'pending'
       AND (claimable_at IS NULL OR claimable_at <= UTC_TIMESTAMP(3))`,
    [next],
  )
  return result.affectedRows === 1 ? next : null
}

/** The last lock of the outbox in its transaction: who waits for the turn holds a message's lock, and must not meet us on the way to it. */
async function giveTurnAway(
  connection: Queryable,
  { topic, orderingKey, id }: Pick<ClaimedMessage, 'id' | 'topic' | 'orderingKey'>,
): Promise<void> {
  await connection.query('DELETE FROM outbox_turns WHERE topic = ? AND ordering_key = ? AND message_id = ?', [
    topic,
    orderingKey,
    id,
  ])
}
