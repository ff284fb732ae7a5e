import type { PlannedOffer, WaitingTrip } from '../policy.ts'
import type { DispatchSettings } from '../settings.ts'
import { byWaiting, ranked } from './ranking.ts'

/**
 * One driver a trip: the best of those who have a connection. Where several trips are asked about, who has waited for longest chooses
 * first, and nobody is asked twice.
 */
export function nearest(
  trips: readonly WaitingTrip[],
  { weights }: Pick<DispatchSettings, 'weights'>,
): readonly PlannedOffer[] {
  const taken = new Set<string>()
  return byWaiting(trips).flatMap(({ tripId, candidates }) => {
    const best = ranked(candidates, weights).find(
      ({ driverId, isConnected }) => isConnected && !taken.has(driverId),
    )
    if (best === undefined) return []
    taken.add(best.driverId)
    return [{ tripId, driverId: best.driverId, cost: best.cost }]
  })
}
