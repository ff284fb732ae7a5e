import type { PoolConnection } from '../../../db/pools.ts'
import type { EndedOffer } from './expire.ts'
import { endOffers, lockLiveOffers } from './offer-store.ts'

/** A driver stops working: what he holds is withdrawn, in the caller's transaction; returns it. Wake the dispatcher for its trips. */
export async function withdrawOffersOfIn(
  connection: PoolConnection,
  driverId: string,
): Promise<EndedOffer[]> {
  const live = await lockLiveOffers(connection, null, driverId)
  await endOffers(
    connection,
    live.map(({ id }) => id),
    'withdrawn',
  )
  return live.map(({ id, tripId }) => ({ id, tripId, driverId }))
}
