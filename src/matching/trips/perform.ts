import type { PoolConnection } from '../../../db/pools.ts'
import { type Id, idToText } from '../../base/ids.ts'
import type { Push } from '../../feed/envelope.ts'
import type { Reply } from '../../idempotency/answer.ts'
import type { OnceResult } from '../../idempotency/flights.ts'
import type { Once, OnceRequest } from '../../idempotency/once.ts'
import { appendToOutbox, type OutboxMessage } from '../../outbox/append.ts'
import { lockSearch, startDispatchIn } from '../dispatch/dispatch-store.ts'
import { lookSoonIn } from '../dispatch/next-look.ts'
import type { DispatchRules } from '../dispatch/settings.ts'
import { expiredPushes } from '../offers/expire.ts'
import type { Offer } from '../offers/offer-store.ts'
import type { OfferAnswer } from '../offers/standings.ts'
import { type Acceptance, acceptTripIn, type TripAccepted } from './accept.ts'
import { alsoTold, announceTrip, NOBODY_TOLD, type Told } from './announce.ts'
import { feeByRules } from './cancellation-fee.ts'
import type { TripCreation } from './create.ts'
import { moveTripIn, type TripMove, type TripMoved } from './move.ts'
import { isReleasable } from './release.ts'
import type { Actor, Trip } from './trip.ts'
import { acceptanceCallbackOf, driverDetailsOf, type TripChange } from './trip-announcement.ts'
import { lockTrip } from './trip-reader.ts'

/** What every door needs that changes trips. */
export interface Performer {
  readonly once: Once
  /** Write messages for Laravel; false where no LARAVEL_API_URL is configured. */
  readonly callbacks: boolean
  /** Rings for callbacks that were committed. Must not throw. */
  readonly ring: (ids: readonly Id[]) => void
  /** Tells users what is in their feeds by now, and what is in none. Must not reject. */
  readonly publish: (pushes: readonly Push[]) => Promise<unknown>
  /** How drivers are looked for. */
  readonly rules: DispatchRules
  /** Lets the dispatcher look at these trips at once. Must not throw. */
  readonly wake: (tripIds: readonly string[]) => void
  /** Hears how drivers answer, for their standing. Must not throw. */
  readonly answered: (answers: readonly OfferAnswer[]) => void
}

/** What a request answers, and whom it tells when it is committed. */
export interface Done {
  readonly reply: Reply
  readonly told: Told
}

/** Does the work once under the request's key, and tells whom it concerns after the commit; a repetition tells nobody anew. */
export async function performOnce(
  performer: Performer,
  request: OnceRequest,
  work: (connection: PoolConnection) => Promise<Done>,
): Promise<OnceResult> {
  let told = NOBODY_TOLD
  const result = await performer.once.run(request, async (connection) => {
    const done = await work(connection)
    told = done.told
    return done.reply
  })
  if (result.kind === 'executed') await tellCommitted(performer, told)
  return result
}

/** Tells whom it concerns what was committed. Never rejects. */
export async function tellCommitted(
  { ring, publish, wake, answered }: Pick<Performer, 'ring' | 'publish' | 'wake' | 'answered'>,
  { rings, pushes, wakes, answers }: Told,
): Promise<void> {
  // All is committed, whatever becomes of this: sweepers and compared numbers find what is missed here.
  if (rings.length > 0) ring(rings)
  if (wakes !== undefined && wakes.length > 0) wake(wakes)
  if (answers !== undefined) answered(answers)
  if (pushes.length > 0) await publish(pushes)
}

/**
 * Begins to look for a driver of a trip that is new, and tells Laravel by `callbacksOf`: nothing where Laravel ordered it itself. Nobody is
 * looked for where Laravel has named a driver already.
 */
export async function tellOfCreation(
  connection: PoolConnection,
  creation: TripCreation,
  rules: DispatchRules,
  callbacksOf: (trip: Trip) => readonly OutboxMessage[],
): Promise<Told> {
  if (creation.kind !== 'created') return NOBODY_TOLD
  const { trip } = creation
  const isLookedFor = trip.driverId === null && (await startDispatchIn(connection, trip, rules))
  const rings = await appendToOutbox(connection, callbacksOf(trip), trip.now)
  return { rings, pushes: [], wakes: isLookedFor ? [trip.id] : [] }
}

/** How a move is told, and what comes of it. */
export interface MoveTools {
  /** How another driver is looked for after a release, and what a late cancellation costs. */
  readonly rules: DispatchRules
  /** What Laravel is told: nothing where it ordered the move itself. */
  readonly callbacksOf: (change: TripChange) => readonly OutboxMessage[]
}

export interface MovedAndTold {
  readonly moved: TripMoved
  readonly told: Told
}

/** Moves a trip, and writes what its users and Laravel are told. */
export async function moveAndTell(
  connection: PoolConnection,
  tripId: string,
  order: TripMove,
  tools: MoveTools,
): Promise<MovedAndTold> {
  const moved = await moveTripIn(connection, tripId, order, feeByRules(tools.rules))
  return { moved, told: await tellOfMove(connection, moved, order, tools) }
}

/**
 * What follows from a move, in its transaction: another driver is looked for after a release; users and Laravel are told, and whoever had
 * the trip offered hears that he cannot take it.
 */
export async function tellOfMove(
  connection: PoolConnection,
  moved: TripMoved,
  { by, reason }: Pick<TripMove, 'by' | 'reason'>,
  { rules, callbacksOf }: MoveTools,
): Promise<Told> {
  if (moved.kind !== 'moved') return NOBODY_TOLD
  const { trip, before, steps, bids, lost, withdrawn } = moved
  const isWaiting = trip.state === 'pending' && (await startDispatchIn(connection, trip, rules))
  await lookSoonIn(connection, tripsOf(withdrawn))
  const change = { trip, before, steps, bids, by, reason }
  const told = await announceTrip(connection, change, callbacksOf(change))
  const wakes = isWaiting ? [trip.id] : []
  return alsoTold({ ...told, wakes }, offersTold(lost, withdrawn, trip.state === 'accepted'))
}

/** A trip that its driver, or Laravel in his name, gives up. */
export interface GivingUp {
  readonly by: Actor
  /** Whose trip it must be; null does not say. */
  readonly driverId: string | null
  readonly reason: string | null
}

/**
 * A driver gives a trip up: before the start, where it is known what was ordered, it is released and another driver looked for; otherwise it is
 * cancelled.
 */
export async function giveUpAndTell(
  connection: PoolConnection,
  tripId: string,
  given: GivingUp,
  tools: MoveTools,
): Promise<MovedAndTold> {
  const trip = await lockTrip(connection, tripId)
  const to = trip !== null && isReleasable(trip) ? 'pending' : 'cancelled'
  const done = await moveAndTell(connection, tripId, { ...given, to, finalFare: null }, tools)
  const { moved, told } = done
  // Laravel gave it away and took it back, and told of neither: the search for it may have ended in between.
  if (to !== 'pending' || moved.kind !== 'unchanged' || moved.trip.driverId !== null) return done
  if ((await lockSearch(connection, moved.trip.id)) !== null) return done
  const isLookedFor = await startDispatchIn(connection, moved.trip, tools.rules)
  return { moved, told: { ...told, wakes: isLookedFor ? [moved.trip.id] : [] } }
}

/** Who accepted a trip, by which offer, and how it is told. */
export interface AcceptanceTold extends Pick<Performer, 'callbacks'> {
  readonly by: Actor
  readonly offerId: Id
  readonly traceId: string
}

/** A driver accepts a trip; rider, driver and Laravel find it told, and whoever had it offered, too, hears that it is taken. */
export async function acceptAndTell(
  connection: PoolConnection,
  acceptance: Acceptance,
  { callbacks, traceId }: Pick<Performer, 'callbacks'> & { readonly traceId: string },
): Promise<{ readonly accepted: TripAccepted; readonly told: Told }> {
  const { driverId, offerId } = acceptance
  const accepted = await acceptTripIn(connection, acceptance)
  const by = { type: 'driver', id: driverId } as const
  return { accepted, told: await tellOfAcceptance(connection, accepted, { by, offerId, callbacks, traceId }) }
}

/** What follows from an acceptance, in its transaction; of one that is none, nothing. */
export async function tellOfAcceptance(
  connection: PoolConnection,
  accepted: TripAccepted,
  { by, offerId, callbacks, traceId }: AcceptanceTold,
): Promise<Told> {
  if (accepted.kind !== 'accepted') return NOBODY_TOLD
  const { trip, otp, lost, withdrawn } = accepted
  const change = { ...accepted, by, reason: null }
  const callback = acceptanceCallbackOf(change, idToText(offerId), traceId)
  const details = otp === null ? [] : driverDetailsOf(trip, { otp, driver: null })
  await lookSoonIn(connection, tripsOf(withdrawn))
  const told = await announceTrip(connection, change, callbacks ? [callback] : [], details)
  return alsoTold({ ...told, answers: answersOf(trip) }, offersTold(lost, withdrawn, true))
}

function answersOf({ driverId, now, details }: Trip): OfferAnswer[] {
  if (driverId === null) return []
  const afterMs = details === null ? undefined : now.getTime() - details.createdAt.getTime()
  return [{ driverId, state: 'accepted', ...(afterMs === undefined ? {} : { afterMs }) }]
}

function endedAs(offers: readonly Offer[], state: OfferAnswer['state']): OfferAnswer[] {
  return offers.map(({ driverId }) => ({ driverId, state }))
}

function tripsOf(offers: readonly Offer[]): string[] {
  return offers.map(({ tripId }) => tripId)
}

/** Who had the trip offered loses it; what its driver had offered beside it is for others, whom the dispatcher asks now. */
function offersTold(lost: readonly Offer[], withdrawn: readonly Offer[], isTaken: boolean): Told {
  const taken = lost.map(({ driverId: userId, tripId }) => ({
    ...{ userId, event: 'ride:taken', data: { rideId: tripId } },
  }))
  return {
    rings: [],
    pushes: [...(isTaken ? taken : expiredPushes(lost)), ...expiredPushes(withdrawn)],
    wakes: tripsOf(withdrawn),
    answers: [...endedAs(lost, isTaken ? 'lost' : 'withdrawn'), ...endedAs(withdrawn, 'withdrawn')],
  }
}
