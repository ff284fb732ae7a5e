import type { Pool, PoolConnection } from '../../../db/pools.ts'
import type { RowDataPacket } from '../../../db/rows.ts'
import { DISPATCH_POLICIES, type DispatchPolicy } from '../trips/trip.ts'

export interface DispatchBacklog {
  /** Trips for which a driver is looked for; every policy has a number. */
  readonly waiting: Readonly<Record<DispatchPolicy, number>>
  /** For how long the trip is due that has been due for longest; 0 when none is. */
  readonly oldestDueSeconds: number
}

/**
 * Reads how many trips wait for a driver, and whether somebody looks for one. The indexes dispatches_by_group and dispatches_by_time
 * alone: the table holds the trips that wait, and no other.
 */
export async function readDispatchBacklog(
  pool: Pick<PoolConnection | Pool, 'query'>,
): Promise<DispatchBacklog> {
  const [counts] = await pool.query<RowDataPacket[]>(
    'SELECT policy, COUNT(*) AS count FROM trip_dispatches FORCE INDEX (dispatches_by_group) GROUP BY policy',
  )
  const [due] = await pool.query<RowDataPacket[]>(
    `SELECT TIMESTAMPDIFF(MICROSECOND, MIN(next_at), UTC_TIMESTAMP(3)) / 1000000 AS seconds FROM trip_dispatches`,
  )
  const found = new Map(counts.map(({ policy, count }) => [policy, Number(count)]))
  const waiting = Object.fromEntries(DISPATCH_POLICIES.map((policy) => [policy, found.get(policy) ?? 0]))
  return {
    waiting: waiting as Record<DispatchPolicy, number>,
    oldestDueSeconds: Math.max(Number(due[0]?.seconds ?? 0), 0),
  }
}
