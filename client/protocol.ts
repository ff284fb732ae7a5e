// The names and shapes of docs/realtime.md, written anew so that this folder stands alone; a test holds them to the server's schemas.
// Times: `at` is ISO 8601 in UTC; `expiresAt`, `serverTime` and `timestamp` are milliseconds since 1970. Amounts are integers of minor
// units of the currency beside them.

export interface Place {
  readonly latitude: number
  readonly longitude: number
  readonly address: string | null
}

export type TripState =
  | 'pending'
  | 'accepted'
  | 'arrived'
  | 'ongoing'
  | 'completed'
  | 'cancelled'
  | 'returning'
  | 'returned'

export type PaymentState =
  | 'created'
  | 'pending'
  | 'authorized'
  | 'captured'
  | 'partially_refunded'
  | 'refunded'
  | 'disputed'
  | 'dispute_won'
  | 'dispute_lost'
  | 'failed'
  | 'cancelled'
  | 'expired'

export interface OpenTrip {
  readonly rideId: string
  readonly status: string
  readonly state: TripState | null
  readonly customerId: string | null
  readonly driverId: string | null
  readonly category: string | null
  readonly pickup: Place | null
  readonly destination: Place | null
  readonly estimatedFareMinor: number | null
  readonly agreedFareMinor: number | null
  readonly finalFareMinor: number | null
  readonly currency: string | null
  readonly paymentMethod: string | null
}

export interface RideOffer {
  readonly rideId: string
  readonly offerId: string
  readonly pickup: Place | null
  readonly destination: Place | null
  readonly distanceMeters: number | null
  readonly etaSeconds: number | null
  /** He bids for it, and the rider chooses. */
  readonly isBidding: boolean
  readonly estimatedFareMinor: number | null
  readonly currency: string | null
  readonly paymentMethod: string | null
  readonly expiresAt: number
}

export interface RideBid {
  readonly rideId: string
  readonly bidId: string
  readonly driverId: string
  readonly amountMinor: number
  readonly currency: string
  readonly distanceMeters: number | null
  readonly etaSeconds: number | null
  readonly at: string
  readonly expiresAt: number
}

export interface PaymentStanding {
  readonly paymentId: string
  readonly rideId: string | null
  readonly state: PaymentState
  readonly amountMinor: number
  readonly currency: string
  readonly at: string
}

/** How things stand: an app that shows it is right, whatever it has missed. */
export interface Snapshot {
  readonly trip: OpenTrip | null
  readonly offers: readonly RideOffer[]
  readonly bids: readonly RideBid[]
  readonly payments: readonly PaymentStanding[]
  readonly driver?: { readonly isOnline: boolean; readonly availability: string | null } | undefined
}

export interface Ready {
  readonly connectionId: string
  readonly serverTime: number
  readonly heartbeatMs: number
  readonly head: number
  readonly acked: number
  readonly snapshot: Snapshot
  readonly limits?:
    | { readonly messageBytes?: number | undefined; readonly messagesPerSecond?: number | undefined }
    | undefined
}

interface PaymentNews {
  /** Null: Onceline does not track it, Laravel says so. */
  readonly paymentId: string | null
  readonly rideId: string | null
  readonly state: PaymentState
  readonly amountMinor: number
  readonly currency: string
  readonly at: string
  readonly paymentMethod?: string | null | undefined
  readonly source?: 'laravel' | undefined
}

interface RideStep {
  readonly rideId: string
  readonly status: TripState
  readonly driverId: string | null
  readonly at: string
}

interface Ride {
  readonly rideId: string
}

interface EndedBid extends Ride {
  readonly bidId: string
  readonly driverId: string
}

interface UnservedRide extends Ride {
  readonly status: TripState
  readonly reason: 'no_drivers' | 'timed_out'
  readonly at: string
}

interface Offer extends Ride {
  readonly offerId: string
}

/** Laravel's own words, with all their fields. */
interface PassedOn {
  readonly rideId: string | null
  readonly [field: string]: unknown
}

/** What is heard, by its event. */
export interface Pushes {
  ready: Ready
  'feed:reset': { readonly head: number; readonly snapshot: Snapshot }
  'auth:expiring': { readonly expiresAt: number; readonly graceMs: number }
  pong: { readonly serverTime: number }
  'payment:updated': PaymentNews
  'payment:completed': PaymentNews
  'payment:failed': PaymentNews
  'payment:refunded': PaymentNews
  'payment:disputed': PaymentNews
  'ride:driver_assigned': RideStep & {
    readonly agreedFareMinor?: number | undefined
    readonly currency?: string | undefined
  }
  'ride:driver_details': {
    readonly rideId: string
    readonly driverId: string | null
    readonly otp: string | null
    readonly driver: { readonly [field: string]: unknown } | null
  }
  'ride:driver_arrived': RideStep
  'ride:started': RideStep
  'ride:completed': RideStep & { readonly finalFareMinor: number | null; readonly currency: string | null }
  'ride:cancelled': RideStep & {
    readonly cancelledBy: 'customer' | 'driver' | 'system' | 'laravel'
    readonly reason: string | null
    readonly feeMinor: number | null
    readonly currency: string | null
  }
  'ride:redispatched': RideStep & {
    readonly releasedDriverId: string | null
    readonly reason: string | null
  }
  'ride:no_drivers': UnservedRide
  'ride:timeout': UnservedRide
  'ride:new': RideOffer
  'ride:offer:expired': Offer
  'ride:taken': Ride
  'ride:accept:success': Offer
  'ride:accept:failed': Offer & { readonly code: string; readonly message: string }
  'trip:arrival:confirmed': Ride
  'bid:new': RideBid & { readonly replaces: string | null }
  'bid:withdrawn': EndedBid & { readonly reason: 'withdrawn' | 'took_another' | 'expired' }
  'bid:lost': EndedBid & { readonly reason: 'taken' | 'ended' | 'expired' }
  'driver:online:success': { readonly isOnline: true }
  'driver:offline:success': { readonly isOnline: false }
  'driver:location:update': {
    readonly rideId: string
    readonly driverId: string
    readonly location: {
      readonly latitude: number
      readonly longitude: number
      readonly speed: number | null
      readonly heading: number | null
    }
    readonly timestamp: number
    /** How old the position was when it was told. */
    readonly ageMs: number
    /** By road to the pickup until the ride is under way, then to its destination. */
    readonly distanceMeters: number | null
    readonly etaSeconds: number | null
  }
  'lost_item:new': PassedOn
  'lost_item:created': PassedOn
  'lost_item:updated': PassedOn
  'safety_alert:new': PassedOn
  'safety_alert:sent': PassedOn
  'safety_alert:received': PassedOn
  'notification:new': { readonly [field: string]: unknown }
}
