import { z } from 'zod'
import { currency, decimal, degrees, id, maybe, rideId, stamp, text, traceId } from './bridge-fields.ts'
import { eventNameProblem, NOTIFICATION_LIMITS } from './notification.ts'

// What the channels carry, one schema each. A publisher that is there already is read leniently: fields that nobody knows are
// let through unseen, and numbers may come as text. What is needed and missing, or of a wrong kind, is malformed.

const ENVELOPE = { published_at: stamp, created_at: stamp, updated_at: stamp, trace_id: traceId }

/** 64 characters are what a payment method may have. */
const METHOD_CHARACTERS = 64
const ADDRESS_CHARACTERS = 500
const REASON_CHARACTERS = 255

const ride = { ride_id: rideId }
const parties = { customer_id: maybe(id), driver_id: maybe(id) }

export const RIDE_CREATED = z.looseObject({
  ...ENVELOPE,
  ...ride,
  customer_id: id,
  pickup_latitude: degrees(90),
  pickup_longitude: degrees(180),
  destination_latitude: degrees(90),
  destination_longitude: degrees(180),
  vehicle_category_id: id,
  estimated_fare: decimal,
  currency: maybe(currency),
  zone_id: maybe(id),
  pickup_address: maybe(text(ADDRESS_CHARACTERS)),
  destination_address: maybe(text(ADDRESS_CHARACTERS)),
  payment_method: maybe(text(METHOD_CHARACTERS)),
})

export const RIDE_CANCELLED = z.looseObject({
  ...ENVELOPE,
  ...ride,
  cancelled_by: maybe(text(36)),
  reason: maybe(text(REASON_CHARACTERS)),
})

/** `laravel:ride.started`, `laravel:driver.arrived`, `laravel:otp.verified` */
export const RIDE_MOVED = z.looseObject({ ...ENVELOPE, ...ride, driver_id: maybe(id) })

export const RIDE_COMPLETED = z.looseObject({
  ...ENVELOPE,
  ...ride,
  driver_id: maybe(id),
  final_fare: maybe(decimal),
  currency: maybe(currency),
})

export const DRIVER_ASSIGNED = z.looseObject({ ...ENVELOPE, ...ride, driver_id: id })

/** What a rider may be told of his driver beside the bare facts: it goes to his app as it is. */
const shown = z
  .record(z.string(), z.unknown())
  .refine(fitsFeed, `must be at most ${NOTIFICATION_LIMITS.dataBytes} bytes of JSON`)

export const TRIP_ACCEPTED = z
  .looseObject({
    ...ENVELOPE,
    ride_id: maybe(rideId),
    trip: maybe(z.looseObject({ id: maybe(rideId) })),
    driver_id: maybe(id),
    driver: maybe(shown),
    otp: maybe(z.union([text(16), z.int()]).transform(String)),
  })
  .refine(({ ride_id, trip }) => (ride_id ?? trip?.id ?? null) !== null, {
    path: ['ride_id'],
    message: 'must be there, or trip.id',
  })

export const PAYMENT_COMPLETED = z.looseObject({
  ...ENVELOPE,
  ...ride,
  ...parties,
  amount: decimal,
  currency: maybe(currency),
  payment_method: maybe(text(METHOD_CHARACTERS)),
})

const users = z.array(id).min(1).max(NOTIFICATION_LIMITS.users)

export const BATCH_NOTIFICATION = z
  .looseObject({
    ...ENVELOPE,
    user_ids: users,
    event: maybe(
      z.string().superRefine((name, context) => {
        const problem = eventNameProblem(name)
        if (problem !== null) context.addIssue(problem)
      }),
    ),
    data: maybe(shown),
    title: maybe(text(500)),
    body: maybe(text(4_000)),
    durable: maybe(z.boolean()),
  })
  .refine(({ data, title, body }) => data !== null || title !== null || body !== null, {
    path: ['data'],
    message: 'must be there, or title or body',
  })

const named = { user_ids: maybe(users), user_id: maybe(id) }

export const SAFETY_ALERT = z
  .looseObject({ ...ENVELOPE, ...named, ride_id: maybe(rideId), alert_id: maybe(id), id: maybe(id) })
  .refine(({ user_ids, user_id }) => user_ids !== null || user_id !== null, {
    path: ['user_ids'],
    message: 'must be there, or user_id',
  })
  .refine(fitsFeed, `must be at most ${NOTIFICATION_LIMITS.dataBytes} bytes of JSON`)

export const LOST_ITEM = z
  .looseObject({
    ...ENVELOPE,
    ...named,
    ...parties,
    ride_id: maybe(rideId),
    lost_item_id: maybe(id),
    id: maybe(id),
  })
  .refine(
    (item) => [item.user_ids, item.user_id, item.customer_id, item.driver_id].some((one) => one !== null),
    {
      path: ['user_ids'],
      message: 'must be there, or user_id, customer_id or driver_id',
    },
  )
  .refine(fitsFeed, `must be at most ${NOTIFICATION_LIMITS.dataBytes} bytes of JSON`)

function fitsFeed(value: unknown): boolean {
  return Buffer.byteLength(JSON.stringify(value)) <= NOTIFICATION_LIMITS.dataBytes
}
