import type { Pool } from '../../db/pools.ts'
import type { RowDataPacket } from '../../db/rows.ts'

export interface Backlog {
  /** Events that are not finished, by state; every open state has a number. */
  readonly states: Readonly<Record<string, number>>
  /** Age of the oldest event that waits for processing, in seconds; 0 when none waits. */
  readonly oldestUnfinishedSeconds: number
}

const OPEN_STATES = ['received', 'paused', 'parked', 'unconfirmed', 'quarantined', 'dead']

/**
 * Reads what is open. Uses the index due alone, which holds the ids too (they ascend with time): no event's row is read
 * but the oldest one's, and the cost follows the open events, never the finished ones.
 */
export async function readBacklog(pool: Pick<Pool, 'query'>): Promise<Backlog> {
  const [counts] = await pool.query<RowDataPacket[]>(
    'SELECT state, COUNT(*) AS count FROM webhook_events WHERE state IN (?) GROUP BY state',
    [OPEN_STATES],
  )
  const [ages] = await pool.query<RowDataPacket[]>(
    `SELECT TIMESTAMPDIFF(MICROSECOND, received_at, UTC_TIMESTAMP(3)) / 1000000 AS seconds
     FROM webhook_events WHERE id = (SELECT MIN(id) FROM webhook_events WHERE state = 'received')`,
  )
  const states: Record<string, number> = {}
  for (const state of OPEN_STATES) states[state] = 0
  for (const row of counts) states[row.state] = Number(row.count)
  return { states, oldestUnfinishedSeconds: Number(ages[0]?.seconds ?? 0) }
}
