import { isDuplicateKey } from '../../../db/errors.ts'
import type { PoolConnection } from '../../../db/pools.ts'
import { assert } from '../../base/assert.ts'
import type { EndedBid } from '../bids/bid.ts'
import { endBidsIn } from '../bids/end.ts'
import { endDispatchIn } from '../dispatch/dispatch-store.ts'
import { endOffers, lockLiveOffers, type Offer } from '../offers/offer-store.ts'
import {
  addFare,
  insertTransition,
  lockTrip,
  readTrip,
  setActualFare,
  setStatus,
  stampStatus,
  takeTrip,
} from './store.ts'
import type { Actor, Fare, Trip } from './trip.ts'
import { decideMove, statusOf, type TripState, type TripStep, tripStatus } from './trip-state.ts'

/** What somebody says of a trip: that it came, or is to come, to this state. */
export interface TripMove {
  /** `accepted`: Laravel gave it to `driverId` by itself. A driver's own acceptance is acceptTripIn(). */
  readonly to: Exclude<TripState, 'pending'>
  /** Without an id: the trip's own customer or driver. */
  readonly by: Actor
  /** Whose trip it must be; null does not say. */
  readonly driverId: string | null
  /** At most 255 characters. */
  readonly reason: string | null
  /** Of a completed trip. */
  readonly finalFare: Fare | null
}

/**
 * moved: the history grew by `steps`, and the last one leads to what was asked for; it is `observed` where Laravel had already
 * moved its row. unchanged: it stood there and the history said so. not_allowed: there is no way from where it stands.
 * different: it is another driver's trip, or it ended with another fare, or the fare is of another currency. driver_busy: he is
 * on another ride. unknown: there is no such trip. After all but the first nothing was written, but for a final fare that had not
 * been said before.
 */
export type TripMoved =
  | {
      readonly kind: 'moved'
      readonly trip: Trip
      readonly before: Trip
      readonly steps: readonly TripStep[]
      /** The trip's and the given driver's, which ended with it. */
      readonly bids: readonly EndedBid[]
    }
  | { readonly kind: 'unchanged'; readonly trip: Trip }
  | { readonly kind: 'not_allowed'; readonly from: string; readonly to: TripState }
  | { readonly kind: 'different'; readonly fields: readonly string[] }
  | { readonly kind: 'driver_busy' }
  | { readonly kind: 'unknown' }

/**
 * Moves a trip in the caller's transaction, or records that Laravel moved it, once however often it is said. A trip that ends
 * takes its live offers with it.
 */
export async function moveTripIn(
  connection: PoolConnection,
  tripId: string,
  move: TripMove,
): Promise<TripMoved> {
  const before = await lockTrip(connection, tripId)
  if (before === null) return { kind: 'unknown' }
  const status = tripStatus(before.status)
  if (status === null) return { kind: 'not_allowed', from: before.status, to: move.to }
  const decision = decideMove(before.recorded, status, move.to)
  if (decision.kind === 'refuse') return { kind: 'not_allowed', from: decision.from, to: move.to }
  const fields = differences(before, move)
  if (fields.length > 0) return { kind: 'different', fields }
  if (decision.kind === 'unchanged')
    return { kind: 'unchanged', trip: await withFare(connection, before, move.finalFare) }
  const given = move.to === 'accepted' ? (move.driverId ?? before.driverId) : null
  // Before the driver's unique column, as an acceptance does.
  const live = await lockLiveOffers(connection, before.id, given)
  if (!(await writeStatus(connection, before, move, decision.steps))) return { kind: 'driver_busy' }
  await recordSteps(connection, before, decision.steps, move)
  const waited = decision.steps.some(({ from }) => from === null || from === 'pending')
  if (waited) await endDispatchIn(connection, before.id)
  await endLiveOffers(connection, before.id, move.to, live)
  const bids = waited ? await endBidsIn(connection, before.id, given) : []
  const trip = await readTrip(connection, tripId)
  assert(trip !== null, 'a trip that is locked cannot go')
  return { kind: 'moved', trip, before, steps: decision.steps, bids }
}

/** A trip may be told to have ended before its fare is known, and again with it. */
async function withFare(connection: PoolConnection, trip: Trip, fare: Fare | null): Promise<Trip> {
  if (fare === null || trip.finalFare !== null) return trip
  await addFare(connection, trip.id, trip.version, fare)
  if (isOurs(trip)) await setActualFare(connection, trip.id, fare)
  return { ...trip, finalFare: fare }
}

/** Of a trip that Laravel stored the fares are Laravel's. */
function isOurs({ details }: Trip): boolean {
  return details?.isAdopted === false
}

/** What the move says otherwise than the trip that stands. */
function differences(trip: Trip, { to, driverId, finalFare }: TripMove): string[] {
  const fields: string[] = []
  if (to === 'accepted' && driverId === null && trip.driverId === null) fields.push('driverId')
  if (driverId !== null && trip.driverId !== null && driverId !== trip.driverId) fields.push('driverId')
  const currency = trip.finalFare?.currency ?? trip.details?.estimatedFare.currency
  if (finalFare !== null && currency !== undefined && finalFare.currency !== currency) fields.push('currency')
  const stands = trip.recorded === to ? trip.finalFare : null
  if (finalFare !== null && stands !== null && finalFare.amountMinor !== stands.amountMinor)
    fields.push('finalFareMinor')
  return fields
}

/** Writes what is not there yet into Laravel's row; false when the driver is on another ride. */
async function writeStatus(
  connection: PoolConnection,
  trip: Trip,
  { to, driverId, finalFare }: TripMove,
  steps: readonly TripStep[],
): Promise<boolean> {
  const status = statusOf(to)
  if (status === 'accepted' && trip.status === 'pending') {
    if (!(await assign(connection, trip, driverId))) return false
  } else if (status !== trip.status) {
    assert(await setStatus(connection, trip.id, trip.status, status), 'a locked trip moved by itself')
  }
  if (isOurs(trip) && finalFare !== null) await setActualFare(connection, trip.id, finalFare)
  for (const step of steps) await stampStatus(connection, trip.id, statusOf(step.to), driverId)
  return true
}

/** Laravel gave the trip to a driver: by name, or it has written him already and the status comes later. */
async function assign(connection: PoolConnection, trip: Trip, driverId: string | null): Promise<boolean> {
  try {
    if (trip.driverId === null && driverId !== null) return await takeTrip(connection, trip.id, driverId)
    return await setStatus(connection, trip.id, 'pending', 'accepted')
  } catch (error) {
    if (isDuplicateKey(error, 'one_active_trip_per_driver')) return false
    throw error
  }
}

/** The story is the last step's; what came before it is Laravel's, who did not tell. */
async function recordSteps(
  connection: PoolConnection,
  trip: Trip,
  steps: readonly TripStep[],
  { by, reason, finalFare, to }: TripMove,
): Promise<void> {
  for (const [index, step] of steps.entries()) {
    const story =
      step.to === to
        ? { by: { type: by.type, id: by.id ?? ownIdOf(trip, by.type) }, reason, finalFare }
        : { by: { type: 'laravel' as const, id: null }, reason: null, finalFare: null }
    await insertTransition(connection, trip.id, trip.version + 1 + index, step, story)
  }
}

function ownIdOf({ customerId, driverId }: Trip, type: Actor['type']): string | null {
  if (type === 'customer') return customerId
  return type === 'driver' ? driverId : null
}

/** Once a trip is taken or over nobody can take it, and a driver who was given one gets no other. */
async function endLiveOffers(
  connection: PoolConnection,
  tripId: string,
  to: TripState,
  live: readonly Offer[],
): Promise<void> {
  const ofTrip = live.filter((offer) => offer.tripId === tripId).map(({ id }) => id)
  const ofDriver = live.filter((offer) => offer.tripId !== tripId).map(({ id }) => id)
  await endOffers(connection, ofTrip, to === 'accepted' ? 'lost' : 'withdrawn')
  await endOffers(connection, ofDriver, 'withdrawn')
}
