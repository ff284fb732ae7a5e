import { z } from 'zod'
import { currencyExponent } from '../base/money.ts'
import { BID_STATES } from '../matching/bids/bid.ts'
import { OFFER_STATES } from '../matching/offers/offer-store.ts'
import { ACTOR_TYPES, DISPATCH_POLICIES } from '../matching/trips/trip.ts'
import { TRIP_STATES } from '../matching/trips/trip-state.ts'
import { amountMinor, currencyCode, foreignId, minor, time } from './fields.ts'

/** trip_requests holds fares as decimal(23,3). */
const FARE_DIGITS = 3

const words = (limit: number) =>
  z
    .string()
    .min(1)
    .max(limit)
    .refine((text) => text.isWellFormed(), 'well-formed text')

const fareCurrency = currencyCode.refine(
  (code) => (currencyExponent(code) ?? 0) <= FARE_DIGITS,
  'a currency of at most three digits after the point',
)

const place = z.strictObject({
  latitude: z.number().min(-90).max(90).describe('degrees; seven digits after the point are kept'),
  longitude: z.number().min(-180).max(180),
  address: words(500).nullish(),
})

/** `POST /internal/trips` */
export const TRIP_ORDER = z.strictObject({
  tripId: z
    .uuid()
    .nullish()
    .describe('trip_requests.id where Laravel has stored it, or the id that it is to have'),
  customerId: foreignId,
  zoneId: foreignId,
  category: foreignId.describe("the vehicle category's id"),
  pickup: place,
  destination: place,
  estimatedFareMinor: amountMinor(0).describe('in minor units of the currency'),
  currency: fareCurrency,
  paymentMethod: words(64).nullish(),
  policy: z
    .enum(DISPATCH_POLICIES)
    .nullish()
    .describe("how a driver is found; by default the zone's own way"),
})
export type TripOrderBody = z.output<typeof TRIP_ORDER>

/** `POST /internal/trips/:id/cancel` */
export const TRIP_CANCEL = z
  .strictObject({
    by: z.enum(['customer', 'driver', 'system']),
    reason: words(255).nullish(),
    driverId: foreignId.nullish().describe("must be the trip's driver, if it is said"),
    redispatch: z
      .boolean()
      .nullish()
      .describe('of a driver, before the start: the trip waits again, and another driver is looked for'),
  })
  .superRefine(({ by, redispatch }, context) => {
    if (redispatch === true && by !== 'driver')
      context.addIssue({ code: 'custom', path: ['redispatch'], message: 'only by the driver' })
  })

/** What Laravel calls a move, and where it leads. */
export const TRANSITIONS = {
  arrived: 'arrived',
  started: 'ongoing',
  completed: 'completed',
  returning: 'returning',
  returned: 'returned',
} as const

const TRANSITION_NAMES = Object.keys(TRANSITIONS) as (keyof typeof TRANSITIONS)[]

/** `POST /internal/trips/:id/transition` */
export const TRIP_TRANSITION = z
  .strictObject({
    transition: z.enum(TRANSITION_NAMES),
    driverId: foreignId.nullish().describe("must be the trip's driver, if it is said"),
    reason: words(255).nullish(),
    finalFareMinor: amountMinor(0).nullish().describe('of a completed trip, with its currency'),
    currency: fareCurrency.nullish(),
  })
  .superRefine(({ transition, finalFareMinor, currency }, context) => {
    const wrong = (field: string, message: string) =>
      context.addIssue({ code: 'custom', path: [field], message })
    const hasFare = finalFareMinor != null
    if (hasFare && transition !== 'completed') wrong('finalFareMinor', 'only of a completed trip')
    if (hasFare && currency == null) wrong('currency', 'needed beside finalFareMinor')
    if (!hasFare && currency != null) wrong('finalFareMinor', 'needed beside currency')
  })
export type TripTransitionBody = z.output<typeof TRIP_TRANSITION>

/** `POST /internal/trips/:id/accept` */
export const TRIP_ACCEPT = z.strictObject({ driverId: foreignId, offerId: z.uuid() })

const PLACE = z.object({ latitude: z.number(), longitude: z.number(), address: z.string().nullable() })

/** A trip as tripJson() writes it. */
export const TRIP = z.object({
  id: z.string(),
  status: z.string().describe("trip_requests.current_status, in Laravel's words"),
  state: z
    .enum(TRIP_STATES)
    .nullable()
    .describe('the status, or `arrived`, for which there is no status; null for a status that is not known'),
  version: z.int().describe('how many transitions it has had'),
  customerId: z.string().nullable(),
  driverId: z.string().nullable(),
  zoneId: z.string().nullable(),
  category: z.string().nullable(),
  pickup: PLACE.nullable().describe('null, as are others, where only moves of the trip were told'),
  destination: PLACE.nullable(),
  estimatedFareMinor: minor.nullable(),
  agreedFareMinor: minor.nullable().describe("the driver's bid, where the rider chose one"),
  finalFareMinor: minor.nullable(),
  cancellationFeeMinor: minor
    .nullable()
    .describe('what the rider owes for a late cancellation; Laravel charges it'),
  currency: z.string().nullable(),
  paymentMethod: z.string().nullable(),
  policy: z.enum(DISPATCH_POLICIES).nullable(),
  createdAt: time.nullable(),
})

const TRIP_STEP = z.object({
  version: z.int(),
  from: z.enum(TRIP_STATES).nullable().describe('null: the first that was heard of it'),
  to: z.enum(TRIP_STATES),
  observed: z.boolean().describe('the trip stood there already: Laravel had moved it'),
  by: z.enum(ACTOR_TYPES),
  byId: z.string().nullable(),
  reason: z.string().nullable(),
  driverId: z.string().nullable().describe('who drives; of a step back to `pending`, who gave it up'),
  finalFareMinor: minor.nullable(),
  cancellationFeeMinor: minor.nullable(),
  at: time,
})

const OFFER = z.object({
  id: z.uuid(),
  driverId: z.string(),
  state: z.enum(OFFER_STATES),
  expiresAt: time,
  createdAt: time,
  decidedAt: time.nullable(),
})

const BID = z.object({
  rideId: z.string(),
  bidId: z.uuid(),
  driverId: z.string(),
  amountMinor: minor,
  currency: z.string(),
  distanceMeters: z.int().nullable().describe('to the pickup'),
  etaSeconds: z.int().nullable(),
  at: time,
  expiresAt: z.int().describe('milliseconds since 1970'),
  state: z.enum(BID_STATES),
})

/** `POST /internal/trips/:id/bids/:bidId/accept` */
export const BID_ACCEPT = z.strictObject({
  customerId: foreignId.nullish().describe("must be the trip's rider, if it is said"),
})

/** `GET /internal/trips/:id` */
export const TRIP_HISTORY = z.object({
  trip: TRIP,
  transitions: z.array(TRIP_STEP).describe('the oldest first'),
  offers: z.array(OFFER).describe('the oldest first, 200 at most'),
  bids: z.array(BID).describe('the same'),
})
