import type { RideRequest } from '../../simulation/demand.ts'
import type { EarlierOffer } from '../../src/matching/dispatch/facts.ts'
import type { OfferState } from '../../src/matching/offers/offer-store.ts'
import type { Cab } from './cab.ts'

/** A driver was asked. */
export interface MadeOffer {
  readonly search: Search
  readonly cab: Cab
  readonly madeAtMs: number
  readonly expiresAtMs: number
  state: OfferState
  endedAtMs: number | null
  /** He bids, where drivers bid. */
  hasBid: boolean
}

export type SearchEnd = 'completed' | 'impatient' | 'changed_mind' | 'no_drivers' | 'timed_out'

/** A request, and how a driver is looked for. */
export class Search {
  readonly request: RideRequest
  readonly tripId: string
  readonly offers: MadeOffer[] = []
  readonly gaveUp = new Set<string>()
  sinceMs: number
  asked = 0
  nextAtMs: number
  /** Counts what was planned, so that what is out of date does nothing. */
  plan = 0
  state: 'waiting' | 'matched' | 'over' = 'waiting'
  end: SearchEnd | null = null
  cab: Cab | null = null
  matchedAtMs: number | null = null
  pickedUpAtMs: number | null = null
  pickupMeters = 0
  /** When the offer was made that was accepted. */
  decidedAtMs = 0
  isChoosing = false

  constructor(request: RideRequest) {
    this.request = request
    this.tripId = `trip-${String(request.index).padStart(5, '0')}`
    this.sinceMs = request.atMs
    this.nextAtMs = request.atMs
  }

  /** A driver left it: another one is looked for, from the beginning. */
  begin(nowMs: number): void {
    this.state = 'waiting'
    this.sinceMs = nowMs
    this.nextAtMs = nowMs
    this.asked = 0
    this.cab = null
    this.isChoosing = false
  }

  live(): MadeOffer[] {
    return this.offers.filter(({ state }) => state === 'offered')
  }

  earlier(nowMs: number): EarlierOffer[] {
    return this.offers.map(({ cab, state, endedAtMs, expiresAtMs }) => ({
      driverId: cab.id,
      state,
      endedMsAgo: endedAtMs === null ? null : nowMs - endedAtMs,
      leftMs: endedAtMs === null ? expiresAtMs - nowMs : null,
    }))
  }
}
