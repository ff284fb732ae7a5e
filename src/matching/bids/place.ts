import { isDuplicateKey } from '../../../db/errors.ts'
import type { PoolConnection } from '../../../db/pools.ts'
import { assert } from '../../base/assert.ts'
import { newId } from '../../base/ids.ts'
import { driverBidsIn } from '../drivers/bidding-duty.ts'
import {
  type AskedOffer,
  hasPassed,
  lockLiveOffers,
  type Offer,
  readLastOffer,
} from '../offers/offer-store.ts'
import type { Fare, Trip } from '../trips/trip.ts'
import { isOnRide, lockTrip } from '../trips/trip-reader.ts'
import { type Bid, type EndedBid, type WrongFare, wrongFare } from './bid.ts'
import { insertBid, lockLiveBids, type NewBid, readBid } from './bid-store.ts'
import { endLockedBidsIn } from './end.ts'
import { insertLaravelBid } from './laravel-bids.ts'

export interface Placement {
  readonly tripId: string
  readonly driverId: string
  /** More than nothing. */
  readonly fare: Fare
}

/**
 * placed: it is live; `ended` are the bids of his that it replaced, or that had expired unnoticed. already: his live bid says just this.
 * offer_unknown: this driver was never asked for this trip. offer_expired, offer_closed: his offer is over. taken: another driver has the
 * trip, or it ended. not_bidding: the trip is taken without a bid. wrong_fare: it cannot be one for this trip. driver_busy: he is on a
 * ride. bid_elsewhere: he has a live bid for another trip. After all but the first nothing was written.
 */
export type BidPlaced =
  | { readonly kind: 'placed'; readonly bid: Bid; readonly ended: readonly EndedBid[] }
  | { readonly kind: 'already'; readonly bid: Bid }
  | { readonly kind: 'wrong_fare'; readonly wrong: WrongFare }
  | { readonly kind: PlacementRefusal }

export type PlacementRefusal =
  | 'offer_unknown'
  | 'offer_expired'
  | 'offer_closed'
  | 'taken'
  | 'not_bidding'
  | 'driver_busy'
  | 'bid_elsewhere'

/**
 * A driver bids for a trip that he was asked for, in the caller's transaction. That he has one live bid says one_live_bid_per_driver,
 * whatever else was read before. Another amount is a new bid in the place of the old one. Locks the trip, his live offers, his live bid.
 */
export async function placeBidIn(connection: PoolConnection, placement: Placement): Promise<BidPlaced> {
  const { tripId, driverId } = placement
  const trip = await lockTrip(connection, tripId)
  const asked = trip === null ? null : await readLastOffer(connection, trip.id, driverId)
  if (trip === null || asked === null) return { kind: 'offer_unknown' }
  const refused = judge(trip, asked, placement.fare)
  if (refused !== null) return refused
  const offers = await lockLiveOffers(connection, null, driverId)
  const offer = offers.find(({ id }) => id.equals(asked.id))
  // He took another trip meanwhile, which withdraws his offers, or their deadline was noticed.
  if (offer === undefined || (await isOnRide(connection, driverId)))
    return lateRefusal(connection, asked, driverId)
  if (await hasPassed(connection, offer.expiresAt)) return { kind: 'offer_expired' }
  return replaceOrInsert(connection, trip, offer, placement)
}

/** What needs no lock but the trip's. Null: he may bid. */
function judge(trip: Trip, asked: AskedOffer, fare: Fare): BidPlaced | null {
  if (asked.state === 'rejected' || asked.state === 'withdrawn') return { kind: 'offer_closed' }
  if (
    asked.state === 'lost' ||
    asked.state === 'accepted' ||
    trip.state !== 'pending' ||
    trip.driverId !== null
  )
    return { kind: 'taken' }
  if (asked.state === 'expired' || asked.isOverdue) return { kind: 'offer_expired' }
  if (asked.policy !== 'bidding' || trip.details === null) return { kind: 'not_bidding' }
  const wrong = wrongFare(fare, trip.details.estimatedFare)
  return wrong === null ? null : { kind: 'wrong_fare', wrong }
}

async function lateRefusal(
  connection: PoolConnection,
  { tripId }: AskedOffer,
  driverId: string,
): Promise<BidPlaced> {
  if (await isOnRide(connection, driverId)) return { kind: 'driver_busy' }
  const now = await readLastOffer(connection, tripId, driverId)
  return { kind: now?.state === 'expired' || now?.isOverdue ? 'offer_expired' : 'offer_closed' }
}

async function replaceOrInsert(
  connection: PoolConnection,
  trip: Trip,
  offer: Offer,
  { driverId, fare }: Placement,
): Promise<BidPlaced> {
  const live = await lockLiveBids(connection, null, driverId)
  if (live.some(({ tripId, isOverdue }) => tripId !== trip.id && !isOverdue)) return { kind: 'bid_elsewhere' }
  const same = live.find((bid) => bid.fare.amountMinor === fare.amountMinor && !bid.isOverdue)
  if (same !== undefined) return { kind: 'already', bid: same }
  const ended = live.map((bid): EndedBid => ({ bid, why: bid.isOverdue ? 'expired' : 'replaced' }))
  await endLockedBidsIn(connection, ended)
  const bid = newBid(trip, offer, fare)
  try {
    await insertBid(connection, bid)
  } catch (error) {
    // The failed statement alone is undone; nothing was ended, since whoever has a live bid locked has the only one.
    if (isDuplicateKey(error, 'one_live_bid_per_driver')) return { kind: 'bid_elsewhere' }
    throw error
  }
  await insertLaravelBid(connection, bid)
  await driverBidsIn(connection, driverId)
  const stands = await readBid(connection, bid.id)
  assert(stands !== null, 'a bid that was just placed is there')
  return { kind: 'placed', bid: stands, ended }
}

function newBid(trip: Trip, offer: Offer, fare: Fare): NewBid {
  const customerId = trip.customerId ?? trip.details?.customerId
  assert(customerId !== undefined, 'a trip that is bid for has a rider')
  const { distanceMeters, etaSeconds, expiresAt } = offer
  const way = { distanceMeters, etaSeconds, expiresAt }
  return {
    id: newId(),
    tripId: trip.id,
    customerId,
    driverId: offer.driverId,
    offerId: offer.id,
    fare,
    ...way,
  }
}
