import { idToText } from '../../base/ids.ts'
import { type FeedMessage, isUserId } from '../../feed/message.ts'
import type { Bid, BidEnd, EndedBid } from './bid.ts'
import { bidJson } from './json.ts'

/** Whose doing it was, the other side is told; what the clock did, both are. */
const TELLS_RIDER: readonly BidEnd[] = ['withdrawn', 'took_another', 'expired']
const TELLS_DRIVER: readonly BidEnd[] = ['taken', 'ended', 'expired']

/**
 * What the riders and the drivers of bids that ended are told, for their feeds: a rider that he cannot choose it any more, a driver that
 * he need not wait. Pure.
 */
export function bidMessagesOf(ended: readonly EndedBid[]): FeedMessage[] {
  return ended.flatMap(({ bid, why }) => {
    const data = { rideId: bid.tripId, bidId: idToText(bid.id), driverId: bid.driverId, reason: why }
    const messages: FeedMessage[] = []
    if (TELLS_RIDER.includes(why)) messages.push({ userId: bid.customerId, event: 'bid:withdrawn', data })
    if (TELLS_DRIVER.includes(why)) messages.push({ userId: bid.driverId, event: 'bid:lost', data })
    return messages.filter(({ userId }) => isUserId(userId))
  })
}

/** What the rider is told of a new bid, which takes the place of the same driver's `replaced`. Pure. */
export function placedMessagesOf(bid: Bid, replaced: Bid | null): FeedMessage[] {
  const data = { ...bidJson(bid), replaces: replaced === null ? null : idToText(replaced.id) }
  return [{ userId: bid.customerId, event: 'bid:new', data }].filter(({ userId }) => isUserId(userId))
}
