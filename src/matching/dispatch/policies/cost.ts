import type { Candidate } from '../policy.ts'
import type { DispatchWeights } from '../settings.ts'

/** What a pair of a trip and a driver costs, in seconds, none of them negative. */
export interface CostParts {
  /** The time to the pickup. */
  readonly eta: number
  /** For offers that he did not accept. */
  readonly declines: number
  /** For having driven a moment ago; nothing for who has waited for an hour. */
  readonly busy: number
  /** For not having been heard of. */
  readonly age: number
}

/** The acceptance rate of who was never asked: about what most have, so that his first answer tells the better from the worse. */
export const UNKNOWN_ACCEPTANCE = 0.8
/** A part that is not known, or longer than a day, is taken for a day: a route's estimator may be anybody's. */
const DAY_SECONDS = 86_400
const FULL_IDLE_SECONDS = 3_600

export function costPartsOf(candidate: Candidate, weights: DispatchWeights): CostParts {
  const { etaSeconds, acceptanceRate, idleSeconds, positionAgeMs } = candidate
  return {
    eta: bounded(etaSeconds),
    declines: bounded(weights.declines * (1 - share(acceptanceRate ?? UNKNOWN_ACCEPTANCE))),
    busy: bounded(weights.idle * (1 - share((idleSeconds ?? 0) / FULL_IDLE_SECONDS))),
    age: bounded(weights.age * (positionAgeMs / 1_000)),
  }
}

/**
 * The less the better: seconds, to the millisecond, at least 0, always finite. It never falls when the way gets longer, the position
 * older, the acceptance rate lower or the time without a ride shorter.
 */
export function costOf(candidate: Candidate, weights: DispatchWeights): number {
  const { eta, declines, busy, age } = costPartsOf(candidate, weights)
  return Math.round((eta + declines + busy + age) * 1_000) / 1_000
}

function bounded(seconds: number): number {
  return Number.isNaN(seconds) ? DAY_SECONDS : Math.min(Math.max(seconds, 0), DAY_SECONDS)
}

function share(part: number): number {
  return Number.isNaN(part) ? 0 : Math.min(Math.max(part, 0), 1)
}
