import type { Position } from '../drivers/nearby.ts'
import type { DispatchSettings } from './settings.ts'

/** A driver who may be asked for a trip, with everything that a policy may weigh. What is null is not known. */
export interface Candidate {
  readonly driverId: string
  readonly position: Position
  /** By road to the pickup, as the route's estimator says. */
  readonly distanceMeters: number
  readonly etaSeconds: number
  /** How long ago he was heard of, at most. */
  readonly positionAgeMs: number
  /** False: he has no socket at this moment, and is waited for. */
  readonly isConnected: boolean
  /** Of the offers that he answered or let pass lately, which part he accepted: 0 to 1. */
  readonly acceptanceRate: number | null
  /** Since his last ride ended, or since he came online. */
  readonly idleSeconds: number | null
}

/** A trip that waits for a driver. Who may not be asked for it is not among its candidates. */
export interface WaitingTrip {
  readonly tripId: string
  readonly pickup: Position
  /** Since a driver is looked for, on the database's clock. */
  readonly waitedMs: number
  readonly candidates: readonly Candidate[]
}

/** One driver is to be asked for one trip. */
export interface PlannedOffer {
  readonly tripId: string
  readonly driverId: string
  /** Seconds, the less the better: the time to the pickup and what else counts. */
  readonly cost: number
}

/**
 * Who is asked for which trip. Pure: the same trips and settings give the same offers, whatever the order of trips and candidates. A
 * trip without an offer in the answer waits on. Within one answer no driver is asked for two trips by an exclusive policy.
 */
export type Policy = (trips: readonly WaitingTrip[], settings: DispatchSettings) => readonly PlannedOffer[]
