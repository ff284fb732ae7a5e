import { z } from 'zod'
import { TRIP_STATES } from '../../matching/trips/trip-state.ts'
import { PAYMENT_STATES } from '../../payments/state.ts'
import { momentMs, shownCurrency, shownId, shownMinor, shownPlace, time } from './fields.ts'

/** The trip that the user is on, or waits for. */
export const OPEN_TRIP = z.object({
  rideId: shownId,
  status: z.string().describe("trip_requests.current_status, in Laravel's words"),
  state: z
    .enum(TRIP_STATES)
    .nullable()
    .describe('the status, or `arrived`, for which there is no status; null for a status that is not known'),
  customerId: shownId.nullable(),
  driverId: shownId.nullable(),
  category: z.string().nullable(),
  pickup: shownPlace.nullable().describe('null, as are others, where only moves of the trip were told'),
  destination: shownPlace.nullable(),
  estimatedFareMinor: shownMinor.nullable(),
  agreedFareMinor: shownMinor.nullable().describe("the driver's bid, where the rider chose one"),
  finalFareMinor: shownMinor.nullable(),
  currency: shownCurrency.nullable(),
  paymentMethod: z.string().nullable(),
})
export type OpenTrip = z.output<typeof OPEN_TRIP>

/** A ride that a driver may take until `expiresAt`. */
export const RIDE_OFFER = z.object({
  rideId: shownId,
  offerId: z.uuid(),
  pickup: shownPlace.nullable(),
  destination: shownPlace.nullable(),
  distanceMeters: z.int().nullable().describe('to the pickup; null where it is not known any more'),
  etaSeconds: z.int().nullable().describe('to the pickup'),
  estimatedFareMinor: shownMinor.nullable(),
  currency: shownCurrency.nullable(),
  paymentMethod: z.string().nullable(),
  isBidding: z.boolean().describe('he bids for it, and the rider chooses'),
  expiresAt: momentMs,
})
export type RideOffer = z.output<typeof RIDE_OFFER>

/** What a driver takes a ride for, until `expiresAt`. */
export const RIDE_BID = z.object({
  rideId: shownId,
  bidId: z.uuid(),
  driverId: shownId,
  amountMinor: shownMinor,
  currency: shownCurrency,
  distanceMeters: z.int().nullable().describe('to the pickup, when he was asked; null where it is not known'),
  etaSeconds: z.int().nullable().describe('to the pickup'),
  at: time,
  expiresAt: momentMs,
})
export type RideBid = z.output<typeof RIDE_BID>

/** A payment as it stands. */
export const PAYMENT_STANDING = z.object({
  paymentId: z.uuid(),
  rideId: shownId.nullable(),
  state: z.enum(PAYMENT_STATES),
  amountMinor: shownMinor.describe('what was captured; before that, what is expected'),
  currency: shownCurrency,
  at: time.describe('of its last change'),
})
export type PaymentStanding = z.output<typeof PAYMENT_STANDING>

/** How things stand with a user: a client that shows it is right, whatever it has missed. */
export const SNAPSHOT = z.object({
  trip: OPEN_TRIP.nullable(),
  offers: z.array(RIDE_OFFER).describe('that may be accepted, the oldest first; of a customer none'),
  bids: z
    .array(RIDE_BID)
    .describe(
      'of a customer: among which he may choose, the oldest first; of a driver: the one that reserves him',
    ),
  payments: z.array(PAYMENT_STANDING).describe('the latest, the newest first'),
  driver: z
    .object({ isOnline: z.boolean(), availability: z.string().nullable() })
    .optional()
    .describe('of a driver alone'),
})
export type Snapshot = z.output<typeof SNAPSHOT>
