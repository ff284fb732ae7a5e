import { idToText } from '../../base/ids.ts'
import { bidJson } from '../bids/json.ts'
import type { Offer } from '../offers/offer-store.ts'
import type { StoredStep, TripHistory } from './history.ts'
import type { OpenTrip } from './open-trips.ts'
import type { Trip } from './trip.ts'

// Amounts become JSON numbers: MAX_AMOUNT_MINOR lies within what a double holds exactly.

/** A trip as JSON: amounts in minor units. */
export function tripJson(trip: Trip) {
  const { details, finalFare, cancellationFee } = trip
  return {
    id: trip.id,
    status: trip.status,
    state: trip.state,
    version: trip.version,
    customerId: trip.customerId,
    driverId: trip.driverId,
    zoneId: trip.zoneId,
    category: trip.category,
    pickup: details?.pickup ?? null,
    destination: details?.destination ?? null,
    estimatedFareMinor: details === null ? null : Number(details.estimatedFare.amountMinor),
    agreedFareMinor: details?.agreedFareMinor == null ? null : Number(details.agreedFareMinor),
    finalFareMinor: finalFare === null ? null : Number(finalFare.amountMinor),
    cancellationFeeMinor: cancellationFee === null ? null : Number(cancellationFee.amountMinor),
    currency: (details?.estimatedFare ?? finalFare ?? cancellationFee)?.currency ?? null,
    paymentMethod: trip.paymentMethod,
    policy: details?.policy ?? null,
    createdAt: details?.createdAt.toISOString() ?? null,
  }
}

/** A trip as its rider and its driver are shown it. */
export function rideJson(trip: Trip): OpenTrip {
  const { id, status, state, customerId, driverId, category, pickup, destination, ...rest } = tripJson(trip)
  const { estimatedFareMinor, agreedFareMinor, finalFareMinor, currency, paymentMethod } = rest
  return {
    ...{ rideId: id, status, state, customerId, driverId, category, pickup, destination },
    ...{ estimatedFareMinor, agreedFareMinor, finalFareMinor, currency, paymentMethod },
  }
}

/** What its rider owes for a ride that is cancelled, beside the ride; nothing of any other. */
export function feeJson({ state, cancellationFee: fee }: Trip): { readonly feeMinor?: number | null } {
  return state === 'cancelled' ? { feeMinor: fee === null ? null : Number(fee.amountMinor) } : {}
}

/** A trip with all that happened to it as JSON. */
export function tripHistoryJson({ trip, transitions, offers, bids }: TripHistory) {
  return {
    trip: tripJson(trip),
    transitions: transitions.map(stepJson),
    offers: offers.map(offerJson),
    bids: bids.map((bid) => ({ ...bidJson(bid), state: bid.state })),
  }
}

function stepJson({ version, from, to, observed, by, reason, driverId, fare, at }: StoredStep) {
  return {
    ...{ version, from, to, observed, by: by.type, byId: by.id, reason, driverId },
    finalFareMinor: fare === null || to === 'cancelled' ? null : Number(fare.amountMinor),
    cancellationFeeMinor: fare === null || to !== 'cancelled' ? null : Number(fare.amountMinor),
    at: at.toISOString(),
  }
}

function offerJson({ id, driverId, state, expiresAt, createdAt, decidedAt }: Offer) {
  return {
    id: idToText(id),
    driverId,
    state,
    expiresAt: expiresAt.toISOString(),
    createdAt: createdAt.toISOString(),
    decidedAt: decidedAt?.toISOString() ?? null,
  }
}
