import type { PoolConnection } from '../../../db/pools.ts'
import { isWaiting } from '../dispatch/end-search.ts'
import { lockTrip } from '../trips/trip-reader.ts'
import type { Bid, EndedBid } from './bid.ts'
import { lockLiveBids, readLastBid } from './bid-store.ts'
import { endLockedBidsIn } from './end.ts'

/**
 * withdrawn: the bid was live. over: it had ended before, by whatever, be it with a ride that he gave back; a driver who does not want what
 * is gone is content. accepted: the rider has chosen it, and a ride is given back by cancelling it. bid_unknown: he never bid for this trip.
 */
export type BidWithdrawn =
  | { readonly kind: 'withdrawn'; readonly ended: readonly [EndedBid] }
  | { readonly kind: 'over'; readonly bid: Bid }
  | { readonly kind: 'accepted' }
  | { readonly kind: 'bid_unknown' }

/** A driver takes his bid back, in the caller's transaction; while his offer lives he may bid again. Locks the trip, then the bid. */
export async function withdrawBidIn(
  connection: PoolConnection,
  tripId: string,
  driverId: string,
): Promise<BidWithdrawn> {
  const trip = await lockTrip(connection, tripId)
  if (trip === null) return { kind: 'bid_unknown' }
  const live = await lockLiveBids(connection, null, driverId)
  const bid = live.find((one) => one.tripId === trip.id)
  if (bid === undefined) {
    const last = await readLastBid(connection, trip.id, driverId)
    if (last === null) return { kind: 'bid_unknown' }
    return last.state === 'accepted' && !isWaiting(trip) ? { kind: 'accepted' } : { kind: 'over', bid: last }
  }
  const ended: EndedBid = { bid, why: bid.isOverdue ? 'expired' : 'withdrawn' }
  await endLockedBidsIn(connection, [ended])
  return { kind: 'withdrawn', ended: [ended] }
}
