import { idToText } from '../../base/ids.ts'
import type { Push } from '../../feed/envelope.ts'
import type { OutboxMessage } from '../../outbox/append.ts'
import type { NewOffer } from '../offers/make.ts'
import type { Trip } from '../trips/trip.ts'
import type { Search } from './dispatch-store.ts'

/** For who has no socket Laravel may send a push notification. */
export function undeliveredCallbacks(
  trip: Trip,
  made: readonly NewOffer[],
  traceId: string,
): OutboxMessage[] {
  return made.map(({ id, driverId, expiresAt }) => ({
    topic: 'laravel',
    orderingKey: trip.id,
    event: 'driver.offer_undelivered',
    payload: {
      rideId: trip.id,
      driverId,
      offerId: idToText(id),
      expiresAt: expiresAt.toISOString(),
      at: trip.now.toISOString(),
    },
    traceId,
  }))
}

/** What a driver decides by; never told after its deadline. */
export function offerPushes(search: Search, made: readonly NewOffer[]): Push[] {
  const { tripId, pickup, destination, estimatedFare, paymentMethod, policy } = search
  return made.map(({ id, driverId, expiresAt, distanceMeters, etaSeconds }) => ({
    userId: driverId,
    event: 'ride:new',
    expiresAtMs: expiresAt.getTime(),
    data: {
      rideId: tripId,
      offerId: idToText(id),
      pickup,
      destination,
      distanceMeters,
      etaSeconds,
      estimatedFareMinor: Number(estimatedFare.amountMinor),
      currency: estimatedFare.currency,
      paymentMethod,
      isBidding: policy === 'bidding',
      expiresAt: expiresAt.getTime(),
    },
  }))
}
