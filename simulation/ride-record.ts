import type { RideRequest } from './demand.ts'
import type { DriverPlan } from './driver-model.ts'

// What the simulated people know of what happened to them, on the city's clock in milliseconds. Road distances in metres.

/** Why a request is over. closed: the city was, before a driver was found. refused: it was not taken at all. */
export const RIDE_ENDS = [
  'completed',
  'impatient',
  'changed_mind',
  'no_drivers',
  'timed_out',
  'cancelled',
  'closed',
  'refused',
] as const
export type RideEnd = (typeof RIDE_ENDS)[number]

/** A driver whom a rider was given. */
export interface Match {
  readonly driverId: string
  readonly atMs: number
  arrivedAtMs: number | null
}

export interface RideRecord {
  readonly request: RideRequest
  rideId: string | null
  /** When he asked; null: he could not. */
  askedAtMs: number | null
  /** For a driver to be found. */
  isWaiting: boolean
  readonly matches: Match[]
  otp: string | null
  startedAtMs: number | null
  end: { readonly how: RideEnd; readonly atMs: number; readonly isAfterClosing: boolean } | null
  /** What the service said when it would not. */
  trouble: string | null
}

/** A ride as its driver knows it. */
export interface Work {
  readonly rideId: string
  readonly takenAtMs: number
  /** From where he was when he heard that it is his. */
  readonly pickupMeters: number
  /** How long that way takes. */
  readonly pickupMs: number
  arrivedAtMs: number | null
  startedAtMs: number | null
  endedAtMs: number | null
  /** completed; gave_up: by him; gone: cancelled by others; lost: the service would not go on. */
  how: 'under_way' | 'completed' | 'gave_up' | 'gone' | 'lost'
  isAfterClosing: boolean
}

export interface DriverRecord {
  readonly plan: DriverPlan
  readonly works: Work[]
  offers: number
  accepted: number
  rejected: number
  ignored: number
  /** Acceptances that were refused. */
  lost: number
  bids: number
  /** Rides that he was given while he was on another one. */
  readonly overlaps: string[]
  readonly troubles: string[]
}

export function newRideRecord(request: RideRequest): RideRecord {
  return {
    ...{
      request,
      rideId: null,
      askedAtMs: null,
      isWaiting: false,
      matches: [],
      otp: null,
      startedAtMs: null,
      end: null,
    },
    trouble: null,
  }
}

export function newDriverRecord(plan: DriverPlan): DriverRecord {
  return {
    ...{ plan, works: [], offers: 0, accepted: 0, rejected: 0, ignored: 0, lost: 0, bids: 0 },
    ...{ overlaps: [], troubles: [] },
  }
}
