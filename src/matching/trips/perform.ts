import type { PoolConnection } from '../../../db/pools.ts'
import { type Id, idToText } from '../../base/ids.ts'
import type { Push } from '../../feed/envelope.ts'
import type { Reply } from '../../idempotency/answer.ts'
import type { OnceResult } from '../../idempotency/flights.ts'
import type { Once, OnceRequest } from '../../idempotency/once.ts'
import { appendToOutbox, type OutboxMessage } from '../../outbox/append.ts'
import { startDispatchIn } from '../dispatch/dispatch-store.ts'
import type { DispatchRules } from '../dispatch/settings.ts'
import type { OfferAnswer } from '../offers/standings.ts'
import { type Acceptance, acceptTripIn, type TripAccepted } from './accept.ts'
import { announceTrip, NOBODY_TOLD, type Told } from './announce.ts'
import type { TripCreation } from './create.ts'
import { moveTripIn, type TripMove, type TripMoved } from './move.ts'
import type { Trip } from './trip.ts'
import { acceptanceCallbackOf, type TripChange } from './trip-announcement.ts'

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
  { once, ring, publish, wake, answered }: Performer,
  request: OnceRequest,
  work: (connection: PoolConnection) => Promise<Done>,
): Promise<OnceResult> {
  let told = NOBODY_TOLD
  const result = await once.run(request, async (connection) => {
    const done = await work(connection)
    told = done.told
    return done.reply
  })
  if (result.kind !== 'executed') return result
  // Both are committed, whatever becomes of this: sweepers and compared numbers find what is missed here.
  if (told.rings.length > 0) ring(told.rings)
  if (told.wakes !== undefined && told.wakes.length > 0) wake(told.wakes)
  if (told.answers !== undefined) answered(told.answers)
  if (told.pushes.length > 0) await publish(told.pushes)
  return result
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

/** Moves a trip, and writes what its users are told, and Laravel by `callbacksOf`: nothing where Laravel ordered it itself. */
export async function moveAndTell(
  connection: PoolConnection,
  tripId: string,
  order: TripMove,
  callbacksOf: (change: TripChange) => readonly OutboxMessage[],
): Promise<{ readonly moved: TripMoved; readonly told: Told }> {
  const moved = await moveTripIn(connection, tripId, order)
  if (moved.kind !== 'moved') return { moved, told: NOBODY_TOLD }
  const change = { ...moved, by: order.by, reason: order.reason }
  return { moved, told: await announceTrip(connection, change, callbacksOf(change)) }
}

/** A driver accepts a trip; rider, driver and Laravel find it told, and whoever had it offered, too, hears that it is taken. */
export async function acceptAndTell(
  connection: PoolConnection,
  acceptance: Acceptance,
  { callbacks, traceId }: Pick<Performer, 'callbacks'> & { readonly traceId: string },
): Promise<{ readonly accepted: TripAccepted; readonly told: Told }> {
  const accepted = await acceptTripIn(connection, acceptance)
  if (accepted.kind !== 'accepted') return { accepted, told: NOBODY_TOLD }
  const by = { type: 'driver', id: acceptance.driverId } as const
  const change = { ...accepted, by, reason: null }
  const callback = acceptanceCallbackOf(change, idToText(acceptance.offerId), traceId)
  const told = await announceTrip(connection, change, callbacks ? [callback] : [])
  const data = { rideId: accepted.trip.id }
  const taken = accepted.losers.map((userId) => ({ userId, event: 'ride:taken', data }))
  const answers = [{ driverId: acceptance.driverId, accepted: true }]
  return { accepted, told: { ...told, pushes: [...told.pushes, ...taken], answers } }
}
