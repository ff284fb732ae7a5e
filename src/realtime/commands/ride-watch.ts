import type { Pool } from '../../../db/pools.ts'
import { READ_TIMEOUT_MS, withConnection } from '../../../db/transaction.ts'
import { TRIP_UNKNOWN } from '../../matching/trips/refusals.ts'
import { readTrip } from '../../matching/trips/store.ts'
import { type Handlers, ok, refusedForNow } from './command.ts'

/** A rider is on one ride; some more for a page that is late to let go of the last ones. */
const MAX_RIDES = 5

/** A rider follows the driver's position on a ride of his own; of another's he learns not even that there is one. */
export function rideWatchCommands(pool: Pool): Handlers {
  return {
    'customer:subscribe:ride': {
      kind: 'natural',
      limit: 'command',
      handle: async ({ connection, user }, { rideId }) => {
        const trip = await withConnection(pool, 'watch a ride', READ_TIMEOUT_MS, (one) =>
          readTrip(one, rideId),
        )
        if (trip === null || trip.customerId !== user.userId)
          return refusedForNow(TRIP_UNKNOWN.code, TRIP_UNKNOWN.detail)
        const topic = topicOf(trip.id)
        if (connection.topics >= MAX_RIDES && !connection.listensTo(topic))
          return refusedForNow('too_many_rides', `One connection follows ${MAX_RIDES} rides at most.`)
        await connection.subscribe(topic)
        return ok({ rideId: trip.id })
      },
    },
    'customer:unsubscribe:ride': {
      kind: 'natural',
      limit: null,
      handle: ({ connection }, { rideId }) => {
        connection.unsubscribe(topicOf(rideId))
        return ok({ rideId })
      },
    },
  }
}

function topicOf(rideId: string): string {
  return `ride:${rideId}`
}
