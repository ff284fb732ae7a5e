import type { Candidate, WaitingTrip } from '../policy.ts'
import type { DispatchWeights } from '../settings.ts'
import { costOf } from './cost.ts'

export interface Ranked {
  readonly driverId: string
  readonly isConnected: boolean
  readonly cost: number
}

/** Each driver once, the best first; who has no connection comes after all who have one. The same whatever the order of candidates. */
export function ranked(candidates: readonly Candidate[], weights: DispatchWeights): readonly Ranked[] {
  const all = candidates.map((candidate) => ({
    driverId: candidate.driverId,
    isConnected: candidate.isConnected,
    cost: costOf(candidate, weights),
  }))
  const seen = new Set<string>()
  return all.sort(better).filter(({ driverId }) => {
    const isNew = !seen.has(driverId)
    seen.add(driverId)
    return isNew
  })
}

function better(a: Ranked, b: Ranked): number {
  if (a.isConnected !== b.isConnected) return a.isConnected ? -1 : 1
  return a.cost - b.cost || compareIds(a.driverId, b.driverId)
}

/** Who has waited for longest comes first. The same whatever the order of trips. */
export function byWaiting(trips: readonly WaitingTrip[]): readonly WaitingTrip[] {
  return trips.toSorted((a, b) => b.waitedMs - a.waitedMs || compareIds(a.tripId, b.tripId))
}

/** By code units, so that every machine has the same order. */
export function compareIds(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
