import type { Pool, PoolConnection } from '../../../db/pools.ts'
import type { RowDataPacket } from '../../../db/rows.ts'
import type { DispatchPolicy } from '../trips/trip.ts'

/** How a driver is looked for, at the moment. */
export interface OngoingSearch {
  readonly zoneId: string | null
  readonly category: string
  readonly policy: DispatchPolicy
  /** Decisions so far, and offers that were made. */
  readonly round: number
  readonly asked: number
  readonly since: Date
  readonly deadlineAt: Date
  readonly nextAt: Date
}

/** The search for a trip's driver; null where nobody is looked for. Uses the primary key. */
export async function readOngoingSearch(
  connection: Pick<PoolConnection | Pool, 'query'>,
  tripId: string,
): Promise<OngoingSearch | null> {
  const [[row]] = await connection.query<RowDataPacket[]>(
    `SELECT zone_id, category, policy, round, asked, since, deadline_at, next_at FROM trip_dispatches
     WHERE trip_id = ?`,
    [tripId],
  )
  if (!row) return null
  return {
    zoneId: row.zone_id === '' ? null : row.zone_id,
    category: row.category,
    policy: row.policy,
    round: Number(row.round),
    asked: Number(row.asked),
    since: row.since,
    deadlineAt: row.deadline_at,
    nextAt: row.next_at,
  }
}
