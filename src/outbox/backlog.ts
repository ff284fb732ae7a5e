import type { Pool } from '../../db/pools.ts'
import type { RowDataPacket } from '../../db/rows.ts'

export interface OutboxBacklog {
  /** Messages by state: pending, sending and dead always have a number. */
  readonly states: Readonly<Record<'pending' | 'sending' | 'dead', number>>
  /** Age of the oldest message that is pending or in flight, in seconds; 0 when there is none. */
  readonly oldestSeconds: number
}

/**
 * Reads what is open of one topic. Uses the index due_of_topic, which holds the ids too (they ascend with time); the cost
 * follows the open messages, never the sent ones.
 */
export async function readOutboxBacklog(pool: Pick<Pool, 'query'>, topic: string): Promise<OutboxBacklog> {
  const [rows] = await pool.query<RowDataPacket[]>(
    `SELECT state, COUNT(*) AS count, MIN(id) AS oldest FROM outbox
     WHERE topic = ? AND state IN ('pending', 'sending', 'dead') GROUP BY state`,
    [topic],
  )
  const unfinished = rows.filter(({ state }) => state !== 'dead').map(({ oldest }) => oldest)
  const states = { pending: 0, sending: 0, dead: 0, ...countsOf(rows) }
  return { states, oldestSeconds: unfinished.length === 0 ? 0 : await ageOfOldest(pool, unfinished) }
}

function countsOf(rows: readonly RowDataPacket[]): Record<string, number> {
  return Object.fromEntries(rows.map(({ state, count }) => [state, Number(count)]))
}

async function ageOfOldest(pool: Pick<Pool, 'query'>, ids: readonly Buffer[]): Promise<number> {
  const [rows] = await pool.query<RowDataPacket[]>(
    `SELECT MAX(TIMESTAMPDIFF(MICROSECOND, created_at, UTC_TIMESTAMP(3))) / 1000000 AS seconds FROM outbox WHERE id IN (?)`,
    [ids],
  )
  return Number(rows[0]?.seconds ?? 0)
}
