import type { PoolConnection } from '../../../db/pools.ts'
import type { EndedOffer } from './expire.ts'
import { readOffersHeldBy } from './make.ts'
import { endOffers, lockOffers } from './offer-store.ts'

/**
 * Drivers stop working: what they hold is withdrawn, in the caller's transaction; returns it. Wake the dispatcher for its trips. Looks
 * for it without a lock, and locks it in the order of the ids. Uses offers_by_driver and the primary key.
 */
export async function withdrawOffersOfIn(
  connection: PoolConnection,
  driverIds: readonly string[],
): Promise<EndedOffer[]> {
  const held = await readOffersHeldBy(connection, driverIds)
  const live = await lockOffers(
    connection,
    held.map(({ id }) => id),
  )
  await endOffers(
    connection,
    live.map(({ id }) => id),
    'withdrawn',
  )
  return live.map(({ id, tripId, driverId }) => ({ id, tripId, driverId }))
}
