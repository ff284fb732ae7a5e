import type { Candidate } from './policy.ts'
import type { DispatchSettings } from './settings.ts'

/**
 * Why a driver who is near was not asked: he is not online, waits for nobody, is on a ride, has bid for another one, holds as many
 * offers as he may, was asked for this trip before, gave this trip up, or Laravel has suspended him.
 */
export const EXCLUSIONS = [
  'offline',
  'disconnected',
  'on_ride',
  'bidding',
  'has_offers',
  'was_asked',
  'gave_it_up',
  'suspended',
] as const
export type Exclusion = (typeof EXCLUSIONS)[number]

/** What came of looking for drivers once. */
export const DECISION_OUTCOMES = ['offered', 'nobody', 'no_drivers', 'timed_out'] as const
export type DecisionOutcome = (typeof DECISION_OUTCOMES)[number]

/** What a decision was made of: enough to make it again. The JSON of dispatch_decisions.document. */
export interface DecisionDocument {
  /** Null: none was said. With the category it tells the windows of one group from another's. */
  readonly zoneId: string | null
  readonly category: string
  readonly settings: DispatchSettings
  readonly pickup: { readonly latitude: number; readonly longitude: number }
  readonly waitedMs: number
  readonly candidates: readonly Candidate[]
  readonly excluded: readonly { readonly driverId: string; readonly why: Exclusion }[]
  readonly offers: readonly { readonly driverId: string; readonly offerId: string; readonly cost: number }[]
}
