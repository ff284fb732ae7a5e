import type { PoolConnection } from '../../../db/pools.ts'
import type { Id } from '../../base/ids.ts'
import { lockTrip } from '../trips/trip-reader.ts'
import { endOffers, type OfferState, readOffer } from './offer-store.ts'

export interface Rejection {
  readonly tripId: string
  readonly driverId: string
  readonly offerId: Id
  /** At most 255 characters. */
  readonly reason: string | null
}

/**
 * rejected: by this. over: it had ended before, by whatever; a driver who does not want what is gone is content. accepted: he has taken
 * it, and gives a ride back by cancelling it. offer_unknown: this driver never had this offer of this trip.
 */
export type OfferRejected =
  | { readonly kind: 'rejected' }
  | { readonly kind: 'over'; readonly state: OfferState }
  | { readonly kind: 'accepted' }
  | { readonly kind: 'offer_unknown' }

/** A driver does not take a trip, in the caller's transaction. Wake the dispatcher after `rejected`. Locks the trip, then the offer. */
export async function rejectOfferIn(
  connection: PoolConnection,
  { tripId, driverId, offerId, reason }: Rejection,
): Promise<OfferRejected> {
  const trip = await lockTrip(connection, tripId)
  const offer = await readOffer(connection, offerId)
  if (trip === null || offer?.tripId !== trip.id || offer.driverId !== driverId)
    return { kind: 'offer_unknown' }
  if (offer.state === 'accepted') return { kind: 'accepted' }
  if (offer.state !== 'offered') return { kind: 'over', state: offer.state }
  await endOffers(connection, [offerId], 'rejected')
  await noteReason(connection, offerId, reason)
  await lookSoon(connection, tripId)
  return { kind: 'rejected' }
}

/** Uses the primary key. */
async function noteReason(connection: PoolConnection, offerId: Id, reason: string | null): Promise<void> {
  if (reason === null) return
  await connection.query('UPDATE trip_offers SET reason = ? WHERE id = ?', [reason, offerId])
}

/** Whoever heard it looks at the trip at once; should he die, another does in a second. Uses the primary key. */
async function lookSoon(connection: PoolConnection, tripId: string): Promise<void> {
  await connection.query(
    'UPDATE trip_dispatches SET next_at = LEAST(next_at, UTC_TIMESTAMP(3) + INTERVAL 1 SECOND) WHERE trip_id = ?',
    [tripId],
  )
}
