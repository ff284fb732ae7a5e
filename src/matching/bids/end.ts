import type { PoolConnection } from '../../../db/pools.ts'
import type { Id } from '../../base/ids.ts'
import { driversBidNoMoreIn } from '../drivers/bidding-duty.ts'
import { BID_ENDS, type Bid, type BidEnd, type EndedBid } from './bid.ts'
import { endBids, lockBidsByOffers, lockLiveBids } from './bid-store.ts'
import { ignoreLaravelBids } from './laravel-bids.ts'

/**
 * A trip has a driver, or (null) it ended without one: its live bids end with it, and so does whatever that driver had bid elsewhere. In the
 * transaction that holds the trip's lock, after its offers. Tell what is returned: bidMessagesOf().
 */
export async function endBidsIn(
  connection: PoolConnection,
  tripId: string,
  acceptedDriverId: string | null,
): Promise<readonly EndedBid[]> {
  const live = await lockLiveBids(connection, tripId, acceptedDriverId)
  const ended = live.map((bid) => ({ bid, why: whyEnded(bid, tripId, acceptedDriverId) }))
  await endLockedBidsIn(connection, ended)
  return ended
}

function whyEnded(bid: Bid, tripId: string, acceptedDriverId: string | null): BidEnd {
  if (bid.tripId !== tripId) return 'took_another'
  if (acceptedDriverId === null) return 'ended'
  return bid.driverId === acceptedDriverId ? 'accepted' : 'taken'
}

/** Offers whose deadline has passed take their bids with them. The caller has locked and ended them. Tell what is returned. */
export function expireBidsOf(
  connection: PoolConnection,
  offerIds: readonly Id[],
): Promise<readonly EndedBid[]> {
  return endBidsOf(connection, offerIds, 'expired')
}

/** Offers that their driver rejected, or may no longer take, take his bids with them. The caller has locked and ended them. */
export function withdrawBidsOf(
  connection: PoolConnection,
  offerIds: readonly Id[],
): Promise<readonly EndedBid[]> {
  return endBidsOf(connection, offerIds, 'withdrawn')
}

async function endBidsOf(
  connection: PoolConnection,
  offerIds: readonly Id[],
  why: 'expired' | 'withdrawn',
): Promise<readonly EndedBid[]> {
  const live = await lockBidsByOffers(connection, offerIds)
  const ended = live.map((bid) => ({ bid, why }))
  await endLockedBidsIn(connection, ended)
  return ended
}

/** Ends bids that the caller has locked, in Laravel's table too, and lets go of their drivers. */
export async function endLockedBidsIn(connection: PoolConnection, ended: readonly EndedBid[]): Promise<void> {
  if (ended.length === 0) return
  for (const state of new Set(ended.map(({ why }) => BID_ENDS[why])))
    await endBids(connection, idsOf(ended.filter(({ why }) => BID_ENDS[why] === state)), state)
  await ignoreLaravelBids(connection, idsOf(ended.filter(({ why }) => why !== 'accepted')))
  const free = ended.filter(({ why }) => why !== 'accepted' && why !== 'took_another' && why !== 'replaced')
  await driversBidNoMoreIn(
    connection,
    free.map(({ bid }) => bid.driverId),
  )
}

function idsOf(ended: readonly EndedBid[]): Id[] {
  return ended.map(({ bid }) => bid.id)
}
