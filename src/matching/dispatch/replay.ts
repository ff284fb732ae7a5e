import type { StoredDecision } from './decision-reader.ts'
import { POLICIES } from './policies/policies.ts'
import type { PlannedOffer, WaitingTrip } from './policy.ts'

/**
 * same: the policy plans just what was done. left_out: it plans these drivers, too; they had been asked for another trip, or could
 * not be asked any more, by the time the offers were made. differs: it does not plan whom the decision asked, or at another cost. no_policy: nobody could decide any more,
 * the trip's time was over.
 */
export type Replay =
  | { readonly verdict: 'same' }
  | { readonly verdict: 'left_out'; readonly driverIds: readonly string[] }
  | { readonly verdict: 'differs'; readonly planned: readonly PlannedOffer[] }
  | { readonly verdict: 'no_policy' }

/**
 * Makes a decision again from what it was made of. `window` is what was decided together, the decision among it. Trips of a window that got
 * no driver were not kept, and need not be: the best assignment of all is the best one for those that it serves.
 */
export function replay(decision: StoredDecision, window: readonly StoredDecision[]): Replay {
  if (!isPlayed(decision)) return { verdict: 'no_policy' }
  const trips = window.filter(isPlayed).map(waitingTripOf)
  const planned = POLICIES[decision.policy](trips, decision.document.settings).filter(
    ({ tripId }) => tripId === decision.tripId,
  )
  return verdictOf(decision, planned)
}

function isPlayed({ outcome }: StoredDecision): boolean {
  return outcome === 'offered' || outcome === 'nobody'
}

function waitingTripOf({ tripId, document }: StoredDecision): WaitingTrip {
  const { pickup, waitedMs, candidates } = document
  return { tripId, pickup, waitedMs, candidates }
}

function verdictOf({ document }: StoredDecision, planned: readonly PlannedOffer[]): Replay {
  const costs = new Map(planned.map(({ driverId, cost }) => [driverId, cost]))
  if (document.offers.some(({ driverId, cost }) => costs.get(driverId) !== cost))
    return { verdict: 'differs', planned }
  const asked = new Set(document.offers.map(({ driverId }) => driverId))
  const driverIds = planned.map(({ driverId }) => driverId).filter((driverId) => !asked.has(driverId))
  return driverIds.length === 0 ? { verdict: 'same' } : { verdict: 'left_out', driverIds }
}
