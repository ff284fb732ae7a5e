import type { Id } from '../../base/ids.ts'
import type { Fare } from '../trips/trip.ts'

/**
 * live: the rider may choose it until its deadline, and its driver is reserved. accepted: he chose it. lost: another driver has the trip,
 * or it ended. withdrawn: the driver took it back, or took another trip. replaced: by the same driver's next. expired: its deadline
 * passed.
 *
 *     live ──▶ accepted, lost, withdrawn, replaced, expired
 */
export const BID_STATES = ['live', 'accepted', 'lost', 'withdrawn', 'replaced', 'expired'] as const
export type BidState = (typeof BID_STATES)[number]

/** What a driver takes a trip for. It never changes: with another amount it is another bid, so that nobody accepts what he did not see. */
export interface Bid {
  readonly id: Id
  readonly tripId: string
  readonly customerId: string
  readonly driverId: string
  readonly offerId: Id
  readonly fare: Fare
  /** To the pickup, as the offer has it; null where that does not say. */
  readonly distanceMeters: number | null
  readonly etaSeconds: number | null
  readonly state: BidState
  readonly expiresAt: Date
  /** On the database's clock, when it was read. */
  readonly isOverdue: boolean
  readonly createdAt: Date
}

/** Why a live bid ended. */
export const BID_ENDS = {
  accepted: 'accepted',
  /** Another driver has the trip. */
  taken: 'lost',
  /** The trip was cancelled, or is over. */
  ended: 'lost',
  withdrawn: 'withdrawn',
  /** Its driver has another trip. */
  took_another: 'withdrawn',
  replaced: 'replaced',
  expired: 'expired',
} as const satisfies Readonly<Record<string, Exclude<BidState, 'live'>>>
export type BidEnd = keyof typeof BID_ENDS

/** A bid that was live, and why it is no more. */
export interface EndedBid {
  readonly bid: Bid
  readonly why: BidEnd
}

/** So many times the estimate is a mistake of the thumb. */
export const MAX_TIMES_ESTIMATE = 10n

/** currency: it is not the trip's. too_high: more than `most`. */
export type WrongFare =
  | { readonly kind: 'currency'; readonly currency: string }
  | { readonly kind: 'too_high'; readonly most: bigint }

/** Whether a bid's fare can be one for a trip with this estimate; null where it can. A trip without an estimate has no bound. Pure. */
export function wrongFare({ amountMinor, currency }: Fare, estimate: Fare): WrongFare | null {
  if (currency !== estimate.currency) return { kind: 'currency', currency: estimate.currency }
  const most = estimate.amountMinor * MAX_TIMES_ESTIMATE
  return most > 0n && amountMinor > most ? { kind: 'too_high', most } : null
}
