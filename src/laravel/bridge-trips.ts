import type { z } from 'zod'
import type { PoolConnection } from '../../db/pools.ts'
import { assertNever } from '../base/assert.ts'
import { appendToFeed } from '../feed/append.ts'
import { alsoTold } from '../matching/trips/announce.ts'
import { createTripIn } from '../matching/trips/create.ts'
import { moveTripIn, type TripMove, type TripMoved } from '../matching/trips/move.ts'
import { tellOfCreation, tellOfMove } from '../matching/trips/perform.ts'
import type { Actor, Fare, TripOrder } from '../matching/trips/trip.ts'
import { driverDetailsOf } from '../matching/trips/trip-announcement.ts'
import { readTrip } from '../matching/trips/trip-reader.ts'
import { type Act, type ActContext, type Acted, currencyOf, NOTHING_NEW, refused } from './bridge-acts.ts'
import { roundedMinor } from './bridge-fields.ts'
import type {
  DRIVER_ASSIGNED,
  RIDE_CANCELLED,
  RIDE_COMPLETED,
  RIDE_CREATED,
  RIDE_MOVED,
  TRIP_ACCEPTED,
} from './bridge-messages.ts'

/** As `POST /internal/trips` creates one. Where the message names no zone, it is the one that Laravel has stored. */
export const rideCreated: Act<z.output<typeof RIDE_CREATED>> = async (connection, message, context) => {
  const estimatedFare = fareOf(message.estimated_fare, message.currency ?? context.currency)
  if (estimatedFare === null) return refused('fare_out_of_bounds')
  const creation = await createTripIn(connection, orderOf(message, estimatedFare))
  switch (creation.kind) {
    case 'created':
      return { kind: 'done', told: await tellOfCreation(connection, creation, context.rules, () => []) }
    case 'existing':
      return NOTHING_NEW
    case 'different':
      return refused(`trip_differs: ${creation.fields.join(', ')}`)
    case 'not_pending':
      return refused('trip_not_pending')
    case 'unknown':
      return refused('trip_unknown', creation.why === 'laravel_first')
    default:
      return assertNever(creation)
  }
}

function orderOf(message: z.output<typeof RIDE_CREATED>, estimatedFare: Fare): TripOrder {
  return {
    tripId: message.ride_id,
    customerId: message.customer_id,
    zoneId: message.zone_id,
    category: message.vehicle_category_id,
    pickup: {
      latitude: message.pickup_latitude,
      longitude: message.pickup_longitude,
      address: message.pickup_address,
    },
    destination: {
      latitude: message.destination_latitude,
      longitude: message.destination_longitude,
      address: message.destination_address,
    },
    estimatedFare,
    paymentMethod: message.payment_method,
    policy: null,
  }
}

/** Null where it is beyond what an amount may be. */
function fareOf(major: string, currency: string): Fare | null {
  const amountMinor = roundedMinor(major, currency)
  return amountMinor === null ? null : { amountMinor, currency }
}

const LARAVEL: Actor = { type: 'laravel', id: null }

/** `laravel:ride.started` and its like: the trip came to this state, by Laravel's word. */
export function rideMoved(to: TripMove['to']): Act<z.output<typeof RIDE_MOVED>> {
  return (connection, message, context) =>
    move(connection, context, message.ride_id, {
      ...{ to, by: LARAVEL, driverId: message.driver_id, reason: null, finalFare: null },
    })
}

export const driverAssigned: Act<z.output<typeof DRIVER_ASSIGNED>> = rideMoved('accepted')

/** Whoever is meant by what Laravel writes there, in words that apps have used. */
const CANCELLERS: Readonly<Record<string, Actor['type']>> = {
  customer: 'customer',
  rider: 'customer',
  user: 'customer',
  driver: 'driver',
  system: 'system',
  admin: 'system',
}

export const rideCancelled: Act<z.output<typeof RIDE_CANCELLED>> = (connection, message, context) =>
  move(connection, context, message.ride_id, {
    to: 'cancelled',
    by: { type: CANCELLERS[message.cancelled_by?.toLowerCase() ?? ''] ?? 'laravel', id: null },
    // A trip that is cancelled may have lost its driver before: whose it was does not matter any more.
    driverId: null,
    reason: message.reason,
    finalFare: null,
  })

export const rideCompleted: Act<z.output<typeof RIDE_COMPLETED>> = async (connection, message, context) => {
  const { ride_id, driver_id, final_fare } = message
  const currency = message.currency ?? currencyOf(await readTrip(connection, ride_id), context)
  const finalFare = final_fare === null ? null : fareOf(final_fare, currency)
  if (final_fare !== null && finalFare === null) return refused('fare_out_of_bounds')
  return move(connection, context, ride_id, {
    ...{ to: 'completed', by: LARAVEL, driverId: driver_id, reason: null, finalFare },
  })
}

/** What the rider gets of a driver, beside that he has one. The driver never gets the code that he has to ask for. */
export const tripAccepted: Act<z.output<typeof TRIP_ACCEPTED>> = async (connection, message, context) => {
  const tripId = message.ride_id ?? message.trip?.id ?? ''
  const driverId = message.driver_id ?? driverIn(message.driver)
  const order: TripMove = { to: 'accepted', by: LARAVEL, driverId, reason: null, finalFare: null }
  const moved = await moveTripIn(connection, tripId, order)
  const acted = await announce(connection, context, moved, order)
  const { otp, driver } = message
  if (acted.kind === 'refused' || !('trip' in moved) || (otp === null && driver === null)) return acted
  // His feed is locked by the announcement, if there was one, so nothing is locked out of order.
  const details = await appendToFeed(connection, driverDetailsOf(moved.trip, { otp, driver }))
  return { kind: 'done', told: alsoTold(acted.told, { rings: [], pushes: details }) }
}

function driverIn(driver: Readonly<Record<string, unknown>> | null): string | null {
  const id = driver?.id ?? driver?.user_id ?? null
  return typeof id === 'string' || typeof id === 'number' ? String(id) : null
}

async function move(
  connection: PoolConnection,
  context: ActContext,
  tripId: string,
  order: TripMove,
): Promise<Acted> {
  return announce(connection, context, await moveTripIn(connection, tripId, order), order)
}

/**
 * Whoever told of the move first has announced it: what the history knew already is no news. Laravel, whose word it is, is not
 * called back, and what it takes for a cancellation it knows itself.
 */
async function announce(
  connection: PoolConnection,
  { rules }: ActContext,
  moved: TripMoved,
  order: TripMove,
): Promise<Acted> {
  switch (moved.kind) {
    case 'moved':
      return {
        kind: 'done',
        told: await tellOfMove(connection, moved, order, { rules, callbacksOf: () => [] }),
      }
    case 'unchanged':
      return NOTHING_NEW
    case 'not_allowed':
      return refused(`not_allowed: ${moved.from} to ${moved.to}`, true)
    case 'different':
      return refused(`trip_differs: ${moved.fields.join(', ')}`, true)
    case 'driver_busy':
      return refused('driver_busy', true)
    case 'unknown':
      return refused('trip_unknown', true)
    default:
      return assertNever(moved)
  }
}
