import type { PoolConnection } from '../../../db/pools.ts'
import { assertNever } from '../../base/assert.ts'
import type { Id } from '../../base/ids.ts'
import { isWaiting } from '../dispatch/end-search.ts'
import { lockLiveOffers } from '../offers/offer-store.ts'
import { giveTripIn, type TripAccepted } from '../trips/accept.ts'
import type { Trip } from '../trips/trip.ts'
import { isOnRide, lockTrip } from '../trips/trip-reader.ts'
import type { Bid } from './bid.ts'
import { lockLiveBids, readBid } from './bid-store.ts'

export interface Choice {
  readonly tripId: string
  /** Whose trip it must be; null does not say. */
  readonly customerId: string | null
  readonly bidId: Id
}

/**
 * As an acceptance, and: bid_unknown: this trip never had this bid. bid_expired: its deadline has passed, on the database's clock.
 * bid_closed: its driver withdrew it, or bid otherwise. bid_outlived: it ended when a driver got the trip, who gave it back: it waits, and
 * is bid for anew. unknown: there is no such trip, or it is another rider's.
 */
export type BidAccepted =
  | (Extract<TripAccepted, { kind: 'accepted' }> & { readonly bid: Bid })
  | Exclude<TripAccepted, { kind: 'accepted' }>
  | { readonly kind: 'bid_unknown' | 'bid_expired' | 'bid_closed' | 'bid_outlived' }

/**
 * A rider takes a driver's bid, in the caller's transaction: it is the acceptance, with the same guarantees as acceptTripIn(). Whatever
 * else was offered or bid for the trip is lost with it, and what the driver had elsewhere is withdrawn. Locks the trip, live offers,
 * live bids, each in the order of their ids.
 */
export async function acceptBidIn(
  connection: PoolConnection,
  { tripId, customerId, bidId }: Choice,
): Promise<BidAccepted> {
  const before = await lockTrip(connection, tripId)
  if (before === null || (customerId !== null && riderOf(before) !== customerId)) return { kind: 'unknown' }
  const bid = await readBid(connection, bidId)
  if (bid?.tripId !== before.id) return { kind: 'bid_unknown' }
  if (bid.state !== 'live') return closedBid(connection, bid, before)
  if (bid.isOverdue) return { kind: 'bid_expired' }
  return choose(connection, before, bid)
}

async function choose(connection: PoolConnection, before: Trip, bid: Bid): Promise<BidAccepted> {
  const live = await lockLiveOffers(connection, before.id, bid.driverId)
  const bids = await lockLiveBids(connection, before.id, bid.driverId)
  const stands = bids.find(({ id }) => id.equals(bid.id))
  if (stands === undefined) return lateBid(connection, bid, before)
  if (stands.isOverdue) return { kind: 'bid_expired' }
  const mine = live.find(({ id }) => id.equals(bid.offerId))
  // A bid ends with its offer, in one transaction.
  if (mine === undefined) return { kind: 'bid_closed' }
  const by = { type: 'customer', id: riderOf(before) } as const
  const fareMinor = bid.fare.amountMinor
  const given = await giveTripIn(connection, { before, mine, live, by, fareMinor })
  // A bid lives as long as its offer.
  if (given.kind === 'offer_expired') return { kind: 'bid_expired' }
  return given.kind === 'accepted' ? { ...given, bid: stands } : given
}

function riderOf({ customerId, details }: Trip): string | null {
  return customerId ?? details?.customerId ?? null
}

/** It was live a moment ago; its driver took another trip, or took it back, meanwhile. */
async function lateBid(connection: PoolConnection, { id }: Bid, before: Trip): Promise<BidAccepted> {
  const bid = await readBid(connection, id)
  return bid === null ? { kind: 'bid_unknown' } : closedBid(connection, bid, before)
}

async function closedBid(connection: PoolConnection, bid: Bid, trip: Trip): Promise<BidAccepted> {
  const { state } = bid
  if (state === 'accepted' && trip.driverId === bid.driverId && trip.state !== 'cancelled')
    return { kind: 'already', trip }
  if (trip.state === 'cancelled') return { kind: 'not_allowed', from: 'cancelled', to: 'accepted' }
  switch (state) {
    case 'accepted':
    case 'lost':
      return { kind: isWaiting(trip) ? 'bid_outlived' : 'taken' }
    case 'expired':
      return { kind: 'bid_expired' }
    case 'replaced':
      return { kind: 'bid_closed' }
    case 'withdrawn':
      return { kind: (await isOnRide(connection, bid.driverId)) ? 'driver_busy' : 'bid_closed' }
    case 'live':
      throw new Error('a live bid is no closed one')
    default:
      return assertNever(state)
  }
}
