type Maybe<T> = T | null | undefined

interface Position {
  readonly latitude: number
  readonly longitude: number
}

interface Ride {
  readonly rideId: string
}

interface Offer extends Ride {
  readonly offerId: string
}

interface NamedPlace extends Position {
  readonly address?: Maybe<string>
}

/** What is said, by its event. */
export interface Commands {
  ping: { readonly [field: string]: never }
  'auth:refresh': { readonly token: string }
  'feed:resume': { readonly since: number }
  'feed:ack': { readonly seq: number }
  'driver:online': Position & { readonly category: string; readonly zoneId: string }
  'driver:offline': {
    readonly latitude?: Maybe<number>
    readonly longitude?: Maybe<number>
    readonly category?: Maybe<string>
    readonly zoneId?: Maybe<string>
  }
  'driver:location': Position & {
    /** Metres a second. */
    readonly speed?: Maybe<number>
    /** Degrees from north. */
    readonly heading?: Maybe<number>
    /** Metres. */
    readonly accuracy?: Maybe<number>
    /** Milliseconds since 1970, by the phone's clock. */
    readonly at?: Maybe<number>
  }
  'driver:accept:ride': Offer
  'driver:reject:ride': Offer & { readonly reason?: Maybe<string> }
  'driver:arrived': Ride
  'ride:start': Ride & { readonly otp?: Maybe<string> }
  'ride:complete': Ride
  'ride:cancel': Ride & { readonly reason?: Maybe<string> }
  'bid:place': Ride & { readonly amountMinor: number; readonly currency: string }
  'bid:withdraw': Ride
  'ride:request': {
    readonly category: string
    readonly zoneId: string
    readonly pickup: NamedPlace
    readonly destination: NamedPlace
    readonly estimatedFareMinor: number
    readonly currency: string
    readonly paymentMethod?: Maybe<string>
    readonly policy?: Maybe<'nearest' | 'broadcast' | 'batch' | 'bidding'>
  }
  'bid:accept': Ride & { readonly bidId: string }
  'customer:subscribe:ride': Ride
  'customer:unsubscribe:ride': Ride
}
