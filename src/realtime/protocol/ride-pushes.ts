import { z } from 'zod'
import { ACTOR_TYPES, UNSERVED } from '../../matching/trips/trip.ts'
import { TRIP_STATES } from '../../matching/trips/trip-state.ts'
import { momentMs, shownCurrency, shownId, shownMinor, time } from './fields.ts'
import { RIDE_OFFER } from './snapshot.ts'

/** As feedMessagesOf() makes them. */
const step = {
  rideId: shownId,
  status: z.enum(TRIP_STATES).describe('the state that the ride came to'),
  driverId: shownId.nullable(),
  at: time,
}
const STEP = z.object(step)
const RIDE = z.object({ rideId: shownId })
/** The ride has ended, for this reason. */
const UNSERVED_RIDE = z.object({
  rideId: shownId,
  status: z.enum(TRIP_STATES),
  reason: z.enum(UNSERVED),
  at: time,
})
const OFFER = z.object({ rideId: shownId, offerId: z.uuid() })

const durable = <Data extends z.ZodType>(data: Data, summary: string) =>
  ({ data, class: 'durable', summary }) as const
const ephemeral = <Data extends z.ZodType>(data: Data, summary: string) =>
  ({ data, class: 'ephemeral', summary }) as const

/** Of rides, offers and drivers. Laravel may not send any of these names. */
export const RIDE_PUSHES = {
  'ride:driver_assigned': durable(
    z.object({
      ...step,
      agreedFareMinor: shownMinor.optional().describe("the driver's bid, where the rider chose one"),
      currency: shownCurrency.optional(),
    }),
    'the ride has a driver',
  ),
  'ride:driver_details': durable(
    z.object({
      rideId: shownId,
      driverId: shownId.nullable(),
      otp: z.string().nullable().describe('the code that the driver asks for at the start'),
      driver: z
        .record(z.string(), z.unknown())
        .nullable()
        .describe('what Laravel shows of him, in its own words'),
    }),
    'who drives, for the rider alone',
  ),
  'ride:driver_arrived': durable(STEP, 'the driver is at the pickup'),
  'ride:started': durable(STEP, 'the ride is under way'),
  'ride:completed': durable(
    z.object({ ...step, finalFareMinor: shownMinor.nullable(), currency: shownCurrency.nullable() }),
    'the ride is at its end; the fare where it is known by then',
  ),
  'ride:cancelled': durable(
    z.object({
      ...step,
      cancelledBy: z.enum(ACTOR_TYPES),
      reason: z.string().nullable(),
      feeMinor: shownMinor.nullable().describe('what the rider owes for it; null: nothing'),
      currency: shownCurrency.nullable(),
    }),
    'the ride was given up',
  ),
  'ride:redispatched': durable(
    z.object({
      ...step,
      releasedDriverId: shownId.nullable().describe('whose it was'),
      reason: z.string().nullable(),
    }),
    'its driver gave the ride up, and another is looked for',
  ),
  'ride:no_drivers': durable(UNSERVED_RIDE, 'nobody is near who could take it'),
  'ride:timeout': durable(UNSERVED_RIDE, 'nobody took it in time'),
  'ride:new': {
    data: RIDE_OFFER,
    class: 'offer',
    summary: 'a ride that this driver may take',
  },
  'ride:offer:expired': ephemeral(OFFER, 'it is too late to take it'),
  'ride:taken': ephemeral(RIDE, 'another driver has it'),
  'ride:accept:success': ephemeral(OFFER, 'the ride is his; beside the reply'),
  'ride:accept:failed': ephemeral(
    z.object({ rideId: shownId, offerId: z.uuid(), code: z.string(), message: z.string() }),
    'it is not; beside the reply, whose code and message it has',
  ),
  'trip:arrival:confirmed': ephemeral(RIDE, 'it is known that he has arrived; beside the reply'),
  'driver:online:success': ephemeral(
    z.object({ isOnline: z.literal(true) }),
    'he may get offers; beside the reply',
  ),
  'driver:offline:success': ephemeral(
    z.object({ isOnline: z.literal(false) }),
    'he gets no more; beside the reply',
  ),
  'driver:location:update': {
    data: z.object({
      rideId: shownId,
      driverId: shownId,
      location: z.object({
        latitude: z.number(),
        longitude: z.number(),
        speed: z.number().nullable().describe('metres a second'),
        heading: z.number().nullable().describe('degrees from north'),
      }),
      timestamp: momentMs.describe('when he was heard of there: milliseconds since 1970, by the server'),
      ageMs: z.int().min(0).describe('how long ago that was when it was told'),
      distanceMeters: z
        .int()
        .nullable()
        .describe(
          'by road to the pickup until the ride is under way, then to its destination; null: not known',
        ),
      etaSeconds: z.int().nullable().describe('the same as time'),
    }),
    class: 'latest',
    summary: 'where the driver of a followed ride is',
  },
} as const
