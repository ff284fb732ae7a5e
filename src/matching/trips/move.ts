import { isDuplicateKey } from '../../../db/errors.ts'
import type { PoolConnection } from '../../../db/pools.ts'
import { assert } from '../../base/assert.ts'
import type { Id } from '../../base/ids.ts'
import type { EndedBid } from '../bids/bid.ts'
import { endBidsIn } from '../bids/end.ts'
import { endDispatchIn } from '../dispatch/dispatch-store.ts'
import { driversFreedIn, driverTakenIn } from '../drivers/availability.ts'
import { endOffers, lockLiveOffers, type Offer } from '../offers/offer-store.ts'
import { type CancellationFee, NO_FEE, readAcceptedAt } from './cancellation-fee.ts'
import { addFare, setActualFare } from './fares.ts'
import { forgetOtp } from './otp.ts'
import { formerDriverOf, takeFromDriver } from './release.ts'
import { insertTransition, setAgreedFare, setStatus, stampStatus, takeTrip } from './store.ts'
import type { Actor, Fare, Trip } from './trip.ts'
import { lockTrip, readTrip } from './trip-reader.ts'
import { decideMove, statusOf, type TripState, type TripStep, tripStatus } from './trip-state.ts'

/** What somebody says of a trip: that it came, or is to come, to this state. */
export interface TripMove {
  /**
   * `accepted`: Laravel gave it to `driverId` by itself. A driver's own acceptance is acceptTripIn(). `pending`: it is released, if
   * isReleasable().
   */
  readonly to: TripState
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
      /** Offers of this trip, which nobody can take any more. */
      readonly lost: readonly Offer[]
      /** Offers of other trips to the driver who has this one. */
      readonly withdrawn: readonly Offer[]
    }
  | { readonly kind: 'unchanged'; readonly trip: Trip }
  | { readonly kind: 'not_allowed'; readonly from: string; readonly to: TripState }
  | { readonly kind: 'different'; readonly fields: readonly string[] }
  | { readonly kind: 'driver_busy' }
  | { readonly kind: 'unknown' }

/**
 * Moves a trip in the caller's transaction, or records that Laravel moved it, once however often it is said. A trip that ends takes its live
 * offers with it; nobody looks for a driver of one that waits no more, and whose driver it is or was is as free as that makes him. After a
 * release the caller looks for another driver. Locks the trip, live offers in the order of their ids, and drivers.
 */
export async function moveTripIn(
  connection: PoolConnection,
  tripId: string,
  move: TripMove,
  feeOf: CancellationFee = NO_FEE,
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
  const { steps } = decision
  const given = move.to === 'accepted' ? (move.driverId ?? before.driverId) : null
  // Before the driver's unique column, as an acceptance does.
  const live = await lockLiveOffers(connection, before.id, given)
  if (!(await writeStatus(connection, before, move, steps))) return { kind: 'driver_busy' }
  await recordSteps(connection, before, steps, move, await fareOf(connection, before, move, steps, feeOf))
  const waited = steps.some(({ from }) => from === null || from === 'pending')
  if (waited) await endDispatchIn(connection, before.id)
  const ended = await endLiveOffers(connection, before.id, move.to, live)
  const bids = waited ? await endBidsIn(connection, before.id, given) : []
  await noteDrivers(connection, before, move, given)
  const trip = await readTrip(connection, tripId)
  assert(trip !== null, 'a trip that is locked cannot go')
  return { kind: 'moved', trip, before, steps, ...ended, bids }
}

/** What the last step is about: the fare of what is completed, the fee of what is cancelled. */
async function fareOf(
  connection: PoolConnection,
  trip: Trip,
  { to, by, finalFare }: TripMove,
  steps: readonly TripStep[],
  feeOf: CancellationFee,
): Promise<Fare | null> {
  if (to !== 'cancelled') return finalFare
  if (feeOf === NO_FEE || trip.driverId === null) return null
  const from = steps.at(-1)?.from ?? null
  // Laravel gave it to him by itself, nobody knows when: what the history has is when another accepted it.
  if (steps.some((step) => step.to === 'accepted')) return feeOf({ trip, by, from, acceptedAt: null })
  return feeOf({ trip, by, from, acceptedAt: await readAcceptedAt(connection, trip.id) })
}

/** Whose trip it is by now, or was until now. */
async function noteDrivers(
  connection: PoolConnection,
  before: Trip,
  move: TripMove,
  given: string | null,
): Promise<void> {
  if (given !== null) await driverTakenIn(connection, given)
  else if (FREEING.includes(move.to)) {
    const former = formerDriverOf(before, move.by)
    if (former !== null) await driversFreedIn(connection, [former])
  }
}

/** After these a driver is on this trip no more. */
const FREEING: readonly TripState[] = ['pending', 'completed', 'cancelled', 'returned']

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
  if (to === 'pending') await takeFromDriver(connection, trip.id)
  else if (status === 'accepted' && trip.status === 'pending') {
    if (!(await assign(connection, trip, driverId))) return false
  } else if (status !== trip.status) {
    assert(await setStatus(connection, trip.id, trip.status, status), 'a locked trip moved by itself')
  }
  if (isOurs(trip) && finalFare !== null) await setActualFare(connection, trip.id, finalFare)
  if (to === 'pending') await forgetDriver(connection, trip)
  else for (const step of steps) await stampStatus(connection, trip.id, statusOf(step.to), driverId)
  return true
}

/** Whoever drives next has a code of his own, and what was agreed on with the last driver binds nobody. */
async function forgetDriver(connection: PoolConnection, trip: Trip): Promise<void> {
  if (isOurs(trip)) await forgetOtp(connection, trip.id)
  if (trip.details?.agreedFareMinor != null) await setAgreedFare(connection, trip.id, null)
}

/** Laravel gave the trip to a driver: by name, or it has written him already and the status comes later. */
async function assign(connection: PoolConnection, trip: Trip, driverId: string | null): Promise<boolean> {
  try {
    if (trip.driverId === null && driverId !== null)
      return await takeTrip(connection, trip.id, driverId, null)
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
  { by, reason, to, driverId }: TripMove,
  fare: Fare | null,
): Promise<void> {
  for (const [index, step] of steps.entries()) {
    const whose = to === 'pending' ? formerDriverOf(trip, by) : (trip.driverId ?? driverId)
    const story =
      step.to === to
        ? { by: { type: by.type, id: by.id ?? ownIdOf(trip, by.type) }, reason, fare, driverId: whose }
        : { by: { type: 'laravel' as const, id: null }, reason: null, fare: null, driverId: null }
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
): Promise<{ readonly lost: readonly Offer[]; readonly withdrawn: readonly Offer[] }> {
  const lost = live.filter((offer) => offer.tripId === tripId)
  const withdrawn = live.filter((offer) => offer.tripId !== tripId)
  await endOffers(connection, idsOf(lost), to === 'accepted' ? 'lost' : 'withdrawn')
  await endOffers(connection, idsOf(withdrawn), 'withdrawn')
  return { lost, withdrawn }
}

function idsOf(offers: readonly Offer[]): Id[] {
  return offers.map(({ id }) => id)
}
