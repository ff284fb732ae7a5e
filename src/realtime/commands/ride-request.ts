import { idToText, newId } from '../../base/ids.ts'
import type { DispatchRules } from '../../matching/dispatch/settings.ts'
import { rideJson } from '../../matching/trips/json.ts'
import { tellOfCreation } from '../../matching/trips/perform.ts'
import { requestTripIn } from '../../matching/trips/request.ts'
import type { Place, TripOrder } from '../../matching/trips/trip.ts'
import { requestCallbackOf } from '../../matching/trips/trip-announcement.ts'
import type { CommandData } from '../protocol/commands.ts'
import { type Done, type Handlers, nothing, ok, refusedForNow } from './command.ts'

export interface RideRequestOptions {
  /** Write messages for Laravel; false where no LARAVEL_API_URL is configured. */
  readonly callbacks: boolean
  readonly rules: DispatchRules
}

/** A rider asks for a ride: it is stored, and a driver looked for, in one transaction. He has one ride at a time. */
export function rideRequestCommands({ callbacks, rules }: RideRequestOptions): Handlers {
  return {
    'ride:request': {
      kind: 'once',
      limit: 'trip-create',
      handle: async (connection, { user, traceId }, data): Promise<Done> => {
        const requested = await requestTripIn(connection, orderOf(user.userId, data))
        if (requested.kind === 'open') return nothing(rideOpen(requested.tripId))
        if (requested.kind !== 'created') return nothing(NOT_HERE)
        const told = await tellOfCreation(connection, requested, rules, (trip) =>
          callbacks ? [requestCallbackOf(trip, traceId)] : [],
        )
        return { outcome: ok({ ...rideJson(requested.trip) }), told }
      },
    },
  }
}

/** Under an id of its own: only what is committed has one, so a try that was undone leaves none behind. */
function orderOf(customerId: string, data: CommandData<'ride:request'>): TripOrder {
  const { zoneId, category, estimatedFareMinor, currency, paymentMethod = null, policy = null } = data
  return {
    tripId: idToText(newId()),
    customerId,
    zoneId,
    category,
    pickup: placeOf(data.pickup),
    destination: placeOf(data.destination),
    estimatedFare: { amountMinor: BigInt(estimatedFareMinor), currency },
    paymentMethod,
    policy,
  }
}

function placeOf({ address = null, ...degrees }: CommandData<'ride:request'>['pickup']): Place {
  return { ...degrees, address }
}

/** Not for good: when that ride is over, the same request may pass. */
function rideOpen(rideId: string) {
  return refusedForNow('ride_open', 'You have a ride already.', { rideId })
}

/** A shared table whose columns Laravel alone can fill. */
const NOT_HERE = refusedForNow('order_elsewhere', 'Rides are not ordered here.')
