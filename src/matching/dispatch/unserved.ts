import type { PoolConnection } from '../../../db/pools.ts'
import type { Told } from '../trips/announce.ts'
import { moveAndTell } from '../trips/perform.ts'
import type { Unserved } from '../trips/trip.ts'
import { moveCallbacksOf } from '../trips/trip-announcement.ts'
import { insertDecisions } from './decision-store.ts'
import { lockSearch, type Search } from './dispatch-store.ts'
import { endSearchIn, isWaiting, lockFor } from './end-search.ts'
import type { DecisionContext } from './offering.ts'

/**
 * Ends a trip that found no driver, in the caller's transaction, if it still waits and nobody has decided since it was read; null
 * where somebody has, or where a window finds the trip held. The rider and Laravel are told.
 */
export async function endUnservedIn(
  connection: PoolConnection,
  search: Search,
  reason: Unserved,
  context: DecisionContext,
): Promise<Told | null> {
  const { settings, windowNumber, callbacks, traceId } = context
  const { tripId, zoneId, category, round, policy, pickup, waitedMs } = search
  const trip = await lockFor(context)(connection, tripId)
  if (trip === 'held') return null
  if (trip === null || !isWaiting(trip)) return endSearchIn(connection, tripId)
  const locked = await lockSearch(connection, tripId)
  if (locked?.round !== round) return null
  const { latitude, longitude } = pickup
  const document = {
    ...{ zoneId, category, settings, pickup: { latitude, longitude }, waitedMs },
    ...{ candidates: [], excluded: [], offers: [] },
  }
  await insertDecisions(connection, [{ tripId, round, policy, windowNumber, outcome: reason, document }])
  const order = {
    ...({ to: 'cancelled', by: { type: 'system', id: null }, driverId: null } as const),
    ...{ reason, finalFare: null },
  }
  const { told } = await moveAndTell(connection, tripId, order, {
    rules: { settingsOf: () => settings },
    callbacksOf: (change) => (callbacks ? moveCallbacksOf(change, traceId) : []),
  })
  return told
}
