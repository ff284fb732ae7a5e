import type { Pool, PoolConnection } from '../../../db/pools.ts'
import { READ_TIMEOUT_MS, withConnection } from '../../../db/transaction.ts'
import { readActiveRides } from '../../matching/drivers/ride-store.ts'
import type { RideTracker, Tracked } from '../../matching/drivers/ride-tracker.ts'
import { readLastPosition } from '../../matching/drivers/standing-store.ts'
import { TRIP_UNKNOWN } from '../../matching/trips/refusals.ts'
import type { Trip } from '../../matching/trips/trip.ts'
import { readTrip } from '../../matching/trips/trip-reader.ts'
import { type Handlers, ok, refusedForNow } from './command.ts'

/** A rider is on one ride; some more for a page that is late to let go of the last ones. */
const MAX_RIDES = 5

/** While a trip is in one of these its driver drives for it. */
const DRIVEN: ReadonlySet<string | null> = new Set(['accepted', 'arrived', 'ongoing'])

/**
 * A rider follows the driver's position on a ride of his own; of another's he learns not even that there is one.
 * Where the driver was last he is told at once, however long ago that was.
 */
export function rideWatchCommands(pool: Pool, tracker: Pick<RideTracker, 'updates'>): Handlers {
  return {
    'customer:subscribe:ride': {
      kind: 'natural',
      limit: 'command',
      handle: async ({ connection, user }, { rideId }) => {
        const { trip, seen } = await withConnection(pool, 'watch a ride', READ_TIMEOUT_MS, (one) =>
          readWatched(one, rideId, user.userId),
        )
        if (trip === null) return refusedForNow(TRIP_UNKNOWN.code, TRIP_UNKNOWN.detail)
        const topic = topicOf(trip.id)
        if (connection.topics >= MAX_RIDES && !connection.listensTo(topic))
          return refusedForNow('too_many_rides', `One connection follows ${MAX_RIDES} rides at most.`)
        await connection.subscribe(topic)
        const updates = await tracker.updates(seen)
        const pushes = updates.map((data) => ({ event: 'driver:location:update', data }))
        return { ok: true, data: { rideId: trip.id }, pushes }
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

/** The rider's own trip, and its driver as he was seen last, if he is on it and ever was. */
async function readWatched(
  connection: PoolConnection,
  rideId: string,
  customerId: string,
): Promise<{ readonly trip: Trip | null; readonly seen: readonly Tracked[] }> {
  const trip = await readTrip(connection, rideId)
  if (trip === null || trip.customerId !== customerId) return { trip: null, seen: [] }
  const { driverId } = trip
  if (driverId === null || !DRIVEN.has(trip.state)) return { trip, seen: [] }
  const ride = (await readActiveRides(connection, [driverId])).get(driverId)
  const last = ride?.rideId === trip.id ? await readLastPosition(connection, driverId) : null
  if (ride === undefined || last === null) return { trip, seen: [] }
  const sighting = { position: last.position, speed: null, heading: null, atMs: last.at.getTime() }
  return { trip, seen: [{ driverId, ride, sighting }] }
}

function topicOf(rideId: string): string {
  return `ride:${rideId}`
}
