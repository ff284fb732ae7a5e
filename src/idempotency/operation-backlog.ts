import type { Pool } from '../../db/pools.ts'
import type { RowDataPacket } from '../../db/rows.ts'

/**
 * running: somebody has it, or it waits for its time. orphaned: its lease is over; somebody takes it within seconds. unknown:
 * the same, and this version has no operation of that name. set_aside: nobody goes on with it before a person lets it.
 */
export type OperationState = 'running' | 'orphaned' | 'unknown' | 'set_aside'

export interface OperationBacklog {
  /** Every state has a number. */
  readonly states: Readonly<Record<OperationState, number>>
  /** The names that this version does not know. */
  readonly unknown: readonly string[]
}

/** Reads what is not finished. `knows` tells the names of this version. Reads the table, which is as small as what is open. */
export async function readOperationBacklog(
  pool: Pick<Pool, 'query'>,
  knows: (operation: string) => boolean,
): Promise<OperationBacklog> {
  const [rows] = await pool.query<RowDataPacket[]>(
    `SELECT operation, COUNT(*) AS count,
       CASE WHEN set_aside_at IS NOT NULL THEN 'set_aside' WHEN lease_until <= UTC_TIMESTAMP(3) THEN 'orphaned'
         ELSE 'running' END AS state
     FROM idempotency_operations GROUP BY operation, state ORDER BY operation`,
  )
  const states: Record<OperationState, number> = { running: 0, orphaned: 0, unknown: 0, set_aside: 0 }
  const unknown: string[] = []
  for (const { operation, count, state } of rows as {
    operation: string
    count: number
    state: OperationState
  }[]) {
    const isUnknown = state === 'orphaned' && !knows(operation)
    states[isUnknown ? 'unknown' : state] += Number(count)
    if (isUnknown) unknown.push(operation)
  }
  return { states, unknown }
}
