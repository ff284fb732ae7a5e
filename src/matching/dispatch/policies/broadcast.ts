import type { PlannedOffer, WaitingTrip } from '../policy.ts'
import type { DispatchSettings } from '../settings.ts'
import { byWaiting, ranked } from './ranking.ts'

/** As many offers as a driver can hold at a time. */
const OFFERS_A_DRIVER = 2

/**
 * Up to `maxDrivers` a trip, the best first. Drivers without a connection are asked where the others do not suffice: a notification may
 * bring them back. Nobody is asked for more than two trips.
 */
export function broadcast(
  trips: readonly WaitingTrip[],
  { weights, maxDrivers }: Pick<DispatchSettings, 'weights' | 'maxDrivers'>,
): readonly PlannedOffer[] {
  const asked = new Map<string, number>()
  return byWaiting(trips).flatMap(({ tripId, candidates }) => {
    const chosen = ranked(candidates, weights)
      .filter(({ driverId }) => (asked.get(driverId) ?? 0) < OFFERS_A_DRIVER)
      .slice(0, Math.max(0, maxDrivers))
    for (const { driverId } of chosen) asked.set(driverId, (asked.get(driverId) ?? 0) + 1)
    return chosen.map(({ driverId, cost }) => ({ tripId, driverId, cost }))
  })
}
