import { type FeedMessage, isUserId } from '../../feed/message.ts'
import type { OutboxMessage } from '../../outbox/append.ts'
import type { EndedBid } from '../bids/bid.ts'
import { bidMessagesOf } from '../bids/bid-announcement.ts'
import { tripJson } from './json.ts'
import { formerDriverOf } from './release.ts'
import { type Actor, type Fare, type Trip, UNSERVED, type Unserved } from './trip.ts'
import type { TripState, TripStep } from './trip-state.ts'

/** A trip that was moved, as moveTripIn() and acceptTripIn() tell it. */
export interface TripChange {
  readonly trip: Trip
  /** As it was; who drove it then is told, too. */
  readonly before: Trip
  readonly steps: readonly TripStep[]
  readonly by: Actor
  readonly reason: string | null
  /** Bids that ended with it. */
  readonly bids?: readonly EndedBid[]
}

/** The names that the company's apps know; what they need not hear of has none. */
const EVENTS: Partial<Readonly<Record<TripState, string>>> = {
  accepted: 'ride:driver_assigned',
  arrived: 'ride:driver_arrived',
  ongoing: 'ride:started',
  completed: 'ride:completed',
  cancelled: 'ride:cancelled',
  pending: 'ride:redispatched',
}

/** That no driver was found, in the rider's words and in Laravel's. */
const UNSERVED_WORDS: Readonly<Record<Unserved, { readonly event: string; readonly callback: string }>> = {
  no_drivers: { event: 'ride:no_drivers', callback: 'ride.no_drivers' },
  timed_out: { event: 'ride:timeout', callback: 'ride.timeout' },
}

function unservedWords({ by, reason }: TripChange, to: TripState) {
  const unserved =
    to === 'cancelled' && by.type === 'system' ? UNSERVED.find((one) => one === reason) : undefined
  return unserved === undefined ? null : UNSERVED_WORDS[unserved]
}

/**
 * What the rider and the driver of a trip are told, for their feeds. Of a trip that was not heard of before, nothing is told but
 * what was asked for. Pure.
 */
export function feedMessagesOf(change: TripChange): FeedMessage[] {
  const { trip, before, steps, by } = change
  // Whose trip it was before Laravel took it from him untold hears nothing of the one who has it now.
  const former = trip.driverId === null ? formerDriverOf(before, by) : before.driverId
  const users = new Set([trip.customerId, trip.driverId, former].filter((id) => id !== null))
  const moves = steps.flatMap((step, index) => {
    const event = unservedWords(change, step.to)?.event ?? EVENTS[step.to]
    const isLast = index === steps.length - 1
    // That Laravel took it back by itself and gave it away anew is told by the second.
    const isNews = isLast || (step.from !== null && step.to !== 'pending')
    if (event === undefined || !isNews) return []
    const data = dataOf(change, step.to)
    return [...users].filter(isUserId).map((userId) => ({ userId, event, data }))
  })
  return [...moves, ...bidMessagesOf(change.bids ?? [])]
}

function dataOf(change: TripChange, to: TripState): Record<string, unknown> {
  const { trip, before, by, reason } = change
  const at = trip.now.toISOString()
  if (unservedWords(change, to) !== null) return { rideId: trip.id, status: to, reason, at }
  const data = { rideId: trip.id, status: to, driverId: trip.driverId, at }
  if (to === 'accepted') return { ...data, ...agreedData(trip) }
  if (to === 'pending') return { ...data, releasedDriverId: formerDriverOf(before, by), reason }
  if (to === 'cancelled') return { ...data, cancelledBy: by.type, reason, ...feeData(trip.cancellationFee) }
  if (to === 'completed') return { ...data, ...fareData(trip.finalFare) }
  return data
}

/** Where the estimate stands, there is nothing to say. */
function agreedData({ details }: Trip): Record<string, unknown> {
  if (details?.agreedFareMinor == null) return {}
  return { agreedFareMinor: Number(details.agreedFareMinor), currency: details.estimatedFare.currency }
}

function feeData(fee: Fare | null): Record<string, unknown> {
  if (fee === null) return { feeMinor: null, currency: null }
  return { feeMinor: Number(fee.amountMinor), currency: fee.currency }
}

/** Who drives, for the rider alone: the code that his driver asks for, and what Laravel shows of him. Pure. */
export function driverDetailsOf(
  { id, customerId, driverId }: Pick<Trip, 'id' | 'customerId' | 'driverId'>,
  { otp, driver }: { readonly otp: string | null; readonly driver: Readonly<Record<string, unknown>> | null },
): FeedMessage[] {
  if (customerId === null || !isUserId(customerId)) return []
  const data = { rideId: id, driverId, otp, driver }
  return [{ userId: customerId, event: 'ride:driver_details', data }]
}

function fareData(fare: Fare | null): Record<string, unknown> {
  if (fare === null) return { finalFareMinor: null, currency: null }
  return { finalFareMinor: Number(fare.amountMinor), currency: fare.currency }
}

/** What Laravel is told of an acceptance, in order with all else of the trip. Pure. */
export function acceptanceCallbackOf({ trip }: TripChange, offerId: string, traceId: string): OutboxMessage {
  return {
    topic: 'laravel',
    orderingKey: trip.id,
    event: 'ride.accepted',
    payload: {
      rideId: trip.id,
      driverId: trip.driverId,
      customerId: trip.customerId,
      offerId,
      fareMinor: trip.details?.agreedFareMinor == null ? null : Number(trip.details.agreedFareMinor),
      currency: trip.details?.estimatedFare.currency ?? null,
      status: trip.status,
      at: trip.now.toISOString(),
    },
    traceId,
  }
}

/** What Laravel is told of a ride that its rider asked for here. Pure. */
export function requestCallbackOf(trip: Trip, traceId: string): OutboxMessage {
  const { id, status, customerId, zoneId, category, pickup, destination, ...more } = tripJson(trip)
  const { estimatedFareMinor, currency, paymentMethod, policy } = more
  const payload = {
    ...{ rideId: id, status, customerId, zoneId, category, pickup, destination },
    ...{ estimatedFareMinor, currency, paymentMethod, policy, at: trip.now.toISOString() },
  }
  return { topic: 'laravel', orderingKey: id, event: 'ride.requested', payload, traceId }
}

/** Laravel's names for what a user did to his trip over his own connection; what it orders itself it is not told. */
const CALLBACKS: Partial<Readonly<Record<TripState, string>>> = {
  arrived: 'ride.arrived',
  ongoing: 'ride.started',
  completed: 'ride.completed',
  cancelled: 'ride.cancelled',
  pending: 'ride.redispatched',
}

/** What Laravel is told of a move that it did not order, in order with all else of the trip; of what it had written itself, nothing. Pure. */
export function moveCallbacksOf(change: TripChange, traceId: string): OutboxMessage[] {
  const { trip, before, steps, by, reason } = change
  const last = steps.at(-1)
  if (last === undefined || last.observed) return []
  const event = unservedWords(change, last.to)?.callback ?? CALLBACKS[last.to]
  if (event === undefined) return []
  const payload = {
    rideId: trip.id,
    driverId: trip.driverId,
    customerId: trip.customerId,
    status: trip.status,
    by: by.type,
    reason,
    at: trip.now.toISOString(),
    ...(last.to === 'pending' ? { releasedDriverId: formerDriverOf(before, by) } : {}),
    ...(last.to === 'cancelled' ? feeData(trip.cancellationFee) : {}),
  }
  return [{ topic: 'laravel', orderingKey: trip.id, event, payload, traceId }]
}
