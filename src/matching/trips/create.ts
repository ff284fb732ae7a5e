import { isDuplicateKey, isIncompleteRow } from '../../../db/errors.ts'
import type { PoolConnection } from '../../../db/pools.ts'
import { insertDetails, insertTimes, insertTransition, insertTrip } from './store.ts'
import type { Place, Trip, TripDetails, TripOrder } from './trip.ts'
import { lockTrip, readTrip } from './trip-reader.ts'
import { decideMove } from './trip-state.ts'

/**
 * created: the trip is new to us; Laravel may have stored it before (`trip.details.isAdopted`). existing: it was created before,
 * just so. different: it stands with other content, named in `fields`; nothing changed. not_pending: Laravel has it, and it no
 * longer waits. unknown: Laravel's table takes no trip from us, so Laravel has to store it first; or the trip was deleted.
 */
export type TripCreation =
  | { readonly kind: 'created' | 'existing'; readonly trip: Trip }
  | { readonly kind: 'different'; readonly trip: Trip; readonly fields: readonly string[] }
  | { readonly kind: 'not_pending'; readonly trip: Trip }
  | { readonly kind: 'unknown'; readonly why: 'laravel_first' | 'deleted' }

/**
 * Creates a trip in the caller's transaction, once per id: in Laravel's table unless Laravel has stored it there, with what
 * dispatch needs and the first row of its history. After `unknown` the caller rolls back or goes on; nothing was written.
 */
export async function createTripIn(connection: PoolConnection, asked: TripOrder): Promise<TripCreation> {
  const order = { ...asked, pickup: rounded(asked.pickup), destination: rounded(asked.destination) }
  const before = await lockTrip(connection, order.tripId)
  if (before !== null) return meet(connection, order, before)
  try {
    await insertTrip(connection, order)
  } catch (error) {
    // The failed statement alone is undone, so the transaction goes on.
    if (isIncompleteRow(error)) return { kind: 'unknown', why: 'laravel_first' }
    if (!isDuplicateKey(error, 'PRIMARY')) throw error
    const other = await lockTrip(connection, order.tripId)
    return other === null ? { kind: 'unknown', why: 'deleted' } : meet(connection, order, other)
  }
  await insertTimes(connection, order)
  await insertDetails(connection, order, false)
  await insertTransition(
    connection,
    order.tripId,
    1,
    { from: null, to: 'pending', observed: false },
    { by: { type: 'customer', id: order.customerId }, reason: null, fare: null, driverId: null },
  )
  return created(connection, order.tripId)
}

/** A phone sends fifteen digits; the columns have seven, a centimetre. The same place said again must look the same. */
function rounded({ latitude, longitude, address }: Place): Place {
  return { latitude: Number(latitude.toFixed(7)), longitude: Number(longitude.toFixed(7)), address }
}

/** The trip is there: known to us, or Laravel's. */
async function meet(connection: PoolConnection, order: TripOrder, trip: Trip): Promise<TripCreation> {
  if (trip.details !== null) {
    const fields = differences(order, trip.details)
    return fields.length === 0 ? { kind: 'existing', trip } : { kind: 'different', trip, fields }
  }
  if (trip.state !== 'pending') return { kind: 'not_pending', trip }
  const fields = contradictions(order, trip)
  if (fields.length > 0) return { kind: 'different', trip, fields }
  await insertDetails(connection, { ...order, zoneId: order.zoneId ?? trip.zoneId }, true)
  const decision = decideMove(trip.recorded, 'pending', 'pending')
  const step = decision.kind === 'move' ? decision.steps[0] : undefined
  if (step)
    await insertTransition(connection, trip.id, trip.version + 1, step, {
      by: { type: 'laravel', id: null },
      reason: null,
      fare: null,
      driverId: null,
    })
  return created(connection, trip.id)
}

async function created(connection: PoolConnection, tripId: string): Promise<TripCreation> {
  const trip = await readTrip(connection, tripId)
  return trip === null ? { kind: 'unknown', why: 'deleted' } : { kind: 'created', trip }
}

/** What the order says otherwise than the trip that stands. What it does not say is no difference. */
function differences(order: TripOrder, stands: TripDetails): string[] {
  const pairs: [string, unknown, unknown][] = [
    ['customerId', stands.customerId, order.customerId],
    ['zoneId', stands.zoneId, order.zoneId ?? stands.zoneId],
    ['category', stands.category, order.category],
    ...placePairs('pickup', stands.pickup, order.pickup),
    ...placePairs('destination', stands.destination, order.destination),
    ['estimatedFareMinor', stands.estimatedFare.amountMinor, order.estimatedFare.amountMinor],
    ['currency', stands.estimatedFare.currency, order.estimatedFare.currency],
    ['paymentMethod', stands.paymentMethod, order.paymentMethod ?? stands.paymentMethod],
    ['policy', stands.policy, order.policy ?? stands.policy],
  ]
  return pairs.filter(([, stored, asked]) => stored !== asked).map(([field]) => field)
}

function placePairs(name: string, stands: Place, asked: Place): [string, unknown, unknown][] {
  return [
    [`${name}.latitude`, stands.latitude, asked.latitude],
    [`${name}.longitude`, stands.longitude, asked.longitude],
    [`${name}.address`, stands.address, asked.address ?? stands.address],
  ]
}

/** What the order says otherwise than Laravel's own row. */
function contradictions(order: TripOrder, { customerId, zoneId }: Trip): string[] {
  const pairs: [string, string | null, string | null][] = [
    ['customerId', customerId, order.customerId],
    ['zoneId', zoneId, order.zoneId],
  ]
  return pairs
    .filter(([, stored, asked]) => stored !== null && asked !== null && stored !== asked)
    .map(([field]) => field)
}
