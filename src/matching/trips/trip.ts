import type { TripState } from './trip-state.ts'

/** Degrees; seven digits after the point are kept, a centimetre. */
export interface Place {
  readonly latitude: number
  readonly longitude: number
  readonly address: string | null
}

/** How a trip finds its driver. */
export const DISPATCH_POLICIES = ['nearest', 'broadcast', 'batch', 'bidding'] as const
export type DispatchPolicy = (typeof DISPATCH_POLICIES)[number]

export interface Fare {
  /** In minor units of the currency. */
  readonly amountMinor: bigint
  readonly currency: string
}

/** A trip that somebody asks for. What is null was not said. Ids have 1 to 36 printable ASCII characters. */
export interface TripOrder {
  readonly tripId: string
  readonly customerId: string
  /** Null takes the zone that Laravel has stored. */
  readonly zoneId: string | null
  readonly category: string
  readonly pickup: Place
  readonly destination: Place
  readonly estimatedFare: Fare
  /** At most 64 characters. */
  readonly paymentMethod: string | null
  /** Null: the zone's own. */
  readonly policy: DispatchPolicy | null
}

/** What dispatch needs to know of a trip, beside what Laravel's table holds. */
export interface TripDetails {
  readonly customerId: string
  readonly zoneId: string | null
  readonly category: string
  readonly pickup: Place
  readonly destination: Place
  readonly estimatedFare: Fare
  /** What the rider and the driver agreed on by a bid, in the currency of the estimate; null: the estimate stands. */
  readonly agreedFareMinor: bigint | null
  readonly paymentMethod: string | null
  readonly policy: DispatchPolicy | null
  /** Laravel had stored the trip before it told of it, and keeps its fares. */
  readonly isAdopted: boolean
  readonly createdAt: Date
}

/** A trip as the database has it. */
export interface Trip {
  readonly id: string
  /** current_status as it stands: one of TRIP_STATUSES, or a word of Laravel's that is not in the contract. */
  readonly status: string
  /** Null where the status is such a word. */
  readonly state: TripState | null
  /** How many transitions are recorded, and what the last one led to. */
  readonly version: number
  readonly recorded: TripState | null
  readonly customerId: string | null
  readonly driverId: string | null
  /** Who drove it when its history was written last; null: nobody, or that was not noted. */
  readonly recordedDriverId: string | null
  readonly zoneId: string | null
  readonly category: string | null
  readonly paymentMethod: string | null
  /** Null where nobody told of the trip: Laravel has it, and its moves alone were heard. */
  readonly details: TripDetails | null
  /** Once it is completed, and if the fare was said. */
  readonly finalFare: Fare | null
  /** What is owed for a cancellation; null: nothing. Nobody charges it here. */
  readonly cancellationFee: Fare | null
  /** The database's clock when the trip was read. */
  readonly now: Date
}

/** Who moved a trip: `laravel` where it does not say for whom. */
export const ACTOR_TYPES = ['customer', 'driver', 'system', 'laravel'] as const
export interface Actor {
  readonly type: (typeof ACTOR_TYPES)[number]
  readonly id: string | null
}

/** Why the system ends a trip for which no driver was found: nobody could be asked, or nobody took it in time. */
export const UNSERVED = ['no_drivers', 'timed_out'] as const
export type Unserved = (typeof UNSERVED)[number]
