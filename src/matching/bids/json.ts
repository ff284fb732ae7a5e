import { idToText } from '../../base/ids.ts'
import type { Bid } from './bid.ts'

/** A bid as its rider and its driver are shown it. The amount lies within what a double holds exactly. */
export function bidJson(bid: Bid) {
  return {
    rideId: bid.tripId,
    bidId: idToText(bid.id),
    driverId: bid.driverId,
    amountMinor: Number(bid.fare.amountMinor),
    currency: bid.fare.currency,
    distanceMeters: bid.distanceMeters,
    etaSeconds: bid.etaSeconds,
    at: bid.createdAt.toISOString(),
    expiresAt: bid.expiresAt.getTime(),
  }
}
