import type { PoolConnection } from '../../../db/pools.ts'
import type { Trip } from '../trips/trip.ts'
import type { DispatchRules } from './settings.ts'

/** Whoever began it looks at it at once; only where he died first does another, after this. */
const OWN_WAKE_MS = 1_000

/**
 * Begins to look for a driver, in the caller's transaction, which holds the trip's lock; where somebody looks already, it begins anew.
 * Wake the dispatcher with the trip's id after the commit. False where too little is known of the trip to look for anybody.
 */
export async function startDispatchIn(
  connection: PoolConnection,
  { id, details, zoneId, category }: Trip,
  rules: DispatchRules,
): Promise<boolean> {
  if (details === null || category === null) return false
  const zone = zoneId ?? details.zoneId
  const settings = rules.settingsOf(zone, category)
  const policy = details.policy ?? settings.policy
  const nextInMs = policy === 'batch' ? 0 : OWN_WAKE_MS
  await connection.query(
    `INSERT INTO trip_dispatches (trip_id, zone_id, category, policy, round, asked, since, deadline_at, next_at)
     VALUES (?, ?, ?, ?, 0, 0, UTC_TIMESTAMP(3), UTC_TIMESTAMP(3) + INTERVAL ? MICROSECOND,
       UTC_TIMESTAMP(3) + INTERVAL ? MICROSECOND)
     ON DUPLICATE KEY UPDATE zone_id = VALUES(zone_id), category = VALUES(category), policy = VALUES(policy),
       round = round + 1, asked = 0, since = VALUES(since), deadline_at = VALUES(deadline_at), next_at = VALUES(next_at)`,
    [id, zone ?? '', category, policy, settings.matchTimeoutMs * 1_000, nextInMs * 1_000],
  )
  return true
}

/** Nobody looks for a driver any more. In the transaction that holds the trip's lock. Uses the primary key. */
export async function endDispatchIn(connection: PoolConnection, tripId: string): Promise<void> {
  await connection.query('DELETE FROM trip_dispatches WHERE trip_id = ?', [tripId])
}
