import { isDuplicateKey } from '../../../db/errors.ts'
import type { PoolConnection } from '../../../db/pools.ts'
import { assert, assertNever } from '../../base/assert.ts'
import { type Id, idToText } from '../../base/ids.ts'
import type { EndedBid } from '../bids/bid.ts'
import { endBidsIn } from '../bids/end.ts'
import { endDispatchIn } from '../dispatch/dispatch-store.ts'
import { driverTakenIn } from '../drivers/availability.ts'
import { endOffers, lockLiveOffers, type Offer, readOffer } from '../offers/offer-store.ts'
import { giveOtp } from './otp.ts'
import { insertTransition, setAgreedFare, stampStatus, takeTrip } from './store.ts'
import type { Actor, Trip } from './trip.ts'
import { isOnRide, lockTrip } from './trip-reader.ts'
import { decideMove, type TripStep, tripStatus } from './trip-state.ts'

export interface Acceptance {
  readonly tripId: string
  readonly driverId: string
  readonly offerId: Id
}

/**
 * accepted: the trip is the driver's. already: it was, by this offer or by Laravel's hand. taken: it is another's, or Laravel gave it away.
 * driver_busy: he is on another ride. offer_unknown: this driver never had this offer of this trip. offer_expired: its deadline
 * has passed, on the database's clock. offer_closed: it was rejected or withdrawn. bid_required: its rider
 * chooses among bids. not_allowed: the trip no longer waits. unknown: there is no such trip. After all but the first nothing was written.
 */
export type TripAccepted =
  | {
      readonly kind: 'accepted'
      readonly trip: Trip
      readonly before: Trip
      readonly steps: readonly TripStep[]
      /** The trip's and the driver's, which ended with it. */
      readonly bids: readonly EndedBid[]
      /** Offers of this trip to others. */
      readonly lost: readonly Offer[]
      /** His offers of other trips. */
      readonly withdrawn: readonly Offer[]
      /** The code that the rider tells him at the start; null where there is none, or Laravel makes them. */
      readonly otp: string | null
    }
  | { readonly kind: 'already'; readonly trip: Trip }
  | { readonly kind: AcceptanceRefusal }
  | { readonly kind: 'not_allowed'; readonly from: string; readonly to: 'accepted' }
  | { readonly kind: 'unknown' }

export type AcceptanceRefusal =
  | 'taken'
  | 'driver_busy'
  | 'offer_unknown'
  | 'offer_expired'
  | 'offer_closed'
  | 'bid_required'

/**
 * A driver accepts a trip by an offer, in the caller's transaction. That a trip has one driver says the conditional UPDATE, that
 * a driver has one ride says one_active_trip_per_driver, whatever else was read before. The trip's other live offers are lost
 * and the driver's are withdrawn with it. Nobody looks for a driver any more.
 * Locks the trip, then live offers in the order of their ids.
 */
export async function acceptTripIn(
  connection: PoolConnection,
  acceptance: Acceptance,
): Promise<TripAccepted> {
  const { tripId, driverId, offerId } = acceptance
  const before = await lockTrip(connection, tripId)
  if (before === null) return { kind: 'unknown' }
  const offer = await readOffer(connection, offerId)
  if (offer?.tripId !== before.id || offer.driverId !== driverId) return { kind: 'offer_unknown' }
  if (offer.state !== 'offered') return closedOffer(connection, offer, before)
  if (offer.isOverdue) return { kind: 'offer_expired' }
  if (offer.policy === 'bidding') return { kind: 'bid_required' }
  const live = await lockLiveOffers(connection, before.id, driverId)
  const mine = live.find(({ id }) => id.equals(offerId))
  if (mine === undefined) return lateOffer(connection, acceptance, before)
  if (mine.isOverdue) return { kind: 'offer_expired' }
  return giveTripIn(connection, { before, mine, live, by: { type: 'driver', id: driverId }, fareMinor: null })
}

/** A trip that is to be given to a driver, by an offer that he holds. */
export interface Gift {
  /** Locked, and so are its live offers and the driver's, in `live`. */
  readonly before: Trip
  readonly mine: Offer
  readonly live: readonly Offer[]
  /** Whose doing it is: the driver's, or the rider's, who chose his bid. */
  readonly by: Actor
  /** What they agreed on, in the currency of the estimate; null: the estimate stands. */
  readonly fareMinor: bigint | null
}

/**
 * Gives a trip to the driver of an offer, if it is to be had and he is free; whoever calls has judged all else. Offers and bids, of the trip
 * and of the driver, end with it.
 */
export async function giveTripIn(connection: PoolConnection, gift: Gift): Promise<TripAccepted> {
  const taken = await take(connection, gift)
  return taken ?? finish(connection, gift)
}

/** Null: the trip is his. The offer's deadline is judged here, after the waits for locks. */
async function take(connection: PoolConnection, { before, mine }: Gift): Promise<TripAccepted | null> {
  const { driverId, expiresAt } = mine
  try {
    if (await takeTrip(connection, before.id, driverId, expiresAt)) return null
  } catch (error) {
    // The failed statement alone is undone, so the refusal can be kept as this key's answer.
    if (isDuplicateKey(error, 'one_active_trip_per_driver')) return { kind: 'driver_busy' }
    throw error
  }
  if (before.driverId === driverId && before.state !== 'pending' && before.state !== 'cancelled')
    return { kind: 'already', trip: before }
  if (before.driverId !== null) return { kind: 'taken' }
  return before.status === 'pending'
    ? { kind: 'offer_expired' }
    : { kind: 'not_allowed', from: before.state ?? before.status, to: 'accepted' }
}

async function finish(connection: PoolConnection, gift: Gift): Promise<TripAccepted> {
  const { before, mine, live, fareMinor } = gift
  const lost = live.filter(({ id, tripId }) => tripId === before.id && !id.equals(mine.id))
  const withdrawn = live.filter(({ tripId }) => tripId !== before.id)
  // Not before it is known that he gets it: a refusal is committed, too. Whoever locks this row holds the trip's lock, or no other.
  await endDispatchIn(connection, before.id)
  await endOffers(connection, [mine.id], 'accepted')
  await endOffers(connection, idsOf(lost), 'lost')
  await endOffers(connection, idsOf(withdrawn), 'withdrawn')
  const steps = await record(connection, gift)
  if (fareMinor !== (before.details?.agreedFareMinor ?? null))
    await setAgreedFare(connection, before.id, fareMinor)
  const bids = await endBidsIn(connection, before.id, mine.driverId)
  const otp = before.details?.isAdopted === false ? await giveOtp(connection, before.id) : null
  await driverTakenIn(connection, mine.driverId)
  return { kind: 'accepted', trip: tripAfter(gift, steps), before, steps, lost, withdrawn, bids, otp }
}

/** As it is read now: its row is locked, and what was written is known. */
function tripAfter({ before, mine, fareMinor }: Gift, steps: readonly TripStep[]): Trip {
  const state = 'accepted'
  return {
    ...before,
    ...{ status: state, state, recorded: state, driverId: mine.driverId },
    version: before.version + steps.length,
    details: before.details === null ? null : { ...before.details, agreedFareMinor: fareMinor },
  }
}

async function record(
  connection: PoolConnection,
  { before, mine, by: whose }: Gift,
): Promise<readonly TripStep[]> {
  const status = tripStatus(before.status)
  const decision = status === null ? null : decideMove(before.recorded, status, 'accepted')
  assert(decision?.kind === 'move', 'a trip that was pending can be accepted')
  for (const [index, step] of decision.steps.entries()) {
    const story = step.observed
      ? { by: LARAVEL, reason: null, fare: null, driverId: null }
      : { by: whose, reason: null, fare: null, driverId: mine.driverId }
    await insertTransition(connection, before.id, before.version + 1 + index, step, story)
  }
  await stampStatus(connection, before.id, 'accepted', mine.driverId)
  return decision.steps
}

const LARAVEL: Actor = { type: 'laravel', id: null }

/** The offer was live a moment ago; he took another trip, or it was ended, meanwhile. */
async function lateOffer(
  connection: PoolConnection,
  { offerId }: Acceptance,
  before: Trip,
): Promise<TripAccepted> {
  const offer = await readOffer(connection, offerId)
  assert(offer !== null && offer.state !== 'offered', `offer ${idToText(offerId)} was not found as live`)
  return closedOffer(connection, offer, before)
}

async function closedOffer(connection: PoolConnection, offer: Offer, trip: Trip): Promise<TripAccepted> {
  const { state } = offer
  switch (state) {
    case 'accepted':
      // A trip that went to another driver since, or was cancelled, is not his any more.
      if (trip.driverId === offer.driverId && trip.state !== 'cancelled') return { kind: 'already', trip }
      if (trip.state === 'cancelled') return { kind: 'not_allowed', from: 'cancelled', to: 'accepted' }
      // He gave it up, or it was taken from him, and it waits for another.
      return { kind: trip.driverId === null && trip.state === 'pending' ? 'offer_closed' : 'taken' }
    case 'lost':
      return { kind: 'taken' }
    case 'expired':
      return { kind: 'offer_expired' }
    case 'rejected':
      return { kind: 'offer_closed' }
    case 'withdrawn':
      if (trip.state === 'cancelled') return { kind: 'not_allowed', from: 'cancelled', to: 'accepted' }
      return { kind: (await isOnRide(connection, offer.driverId)) ? 'driver_busy' : 'offer_closed' }
    case 'offered':
      throw new Error('a live offer is no closed one')
    default:
      return assertNever(state)
  }
}

function idsOf(offers: readonly Offer[]): Id[] {
  return offers.map(({ id }) => id)
}
