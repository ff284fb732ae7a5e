import { hasLiveBid, type StoodBids } from './bids.ts'

/** A trip as a compare-and-set register: who drives it, and who may never again. */
export interface TripState {
  readonly status: 'pending' | 'accepted' | 'ongoing' | 'completed' | 'cancelled'
  readonly driverId: string | null
  /** Whoever had it once, and the one who has it. */
  readonly holders: readonly string[]
  /** Which offers. */
  readonly rejected: readonly string[]
  /** In the order in which they were placed; no member where nobody bids. */
  readonly bids?: StoodBids
}

export type City = Readonly<Record<string, TripState>>

export const WAITING: TripState = { status: 'pending', driverId: null, holders: [], rejected: [] }

export function isOnAnother(city: City, tripId: string, driverId: string): boolean {
  return Object.entries(city).some(
    ([id, trip]) =>
      id !== tripId &&
      trip.driverId === driverId &&
      (trip.status === 'accepted' || trip.status === 'ongoing'),
  )
}

export function bidsElsewhere(city: City, tripId: string, driverId: string): boolean {
  return Object.entries(city).some(([id, { bids = [] }]) => id !== tripId && hasLiveBid(bids, driverId))
}
