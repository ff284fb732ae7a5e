import type { PlannedOffer, WaitingTrip } from '../policy.ts'
import type { DispatchSettings } from '../settings.ts'
import { assign } from './assignment.ts'
import { offersOf, windowOf } from './window.ts'

/**
 * One driver a trip, for all trips at once: as many trips as possible get one, and of all ways to do that the one that costs least, where a
 * trip that has waited counts for more.
 */
export function batch(
  trips: readonly WaitingTrip[],
  settings: Pick<DispatchSettings, 'weights'>,
): readonly PlannedOffer[] {
  const window = windowOf(trips, settings)
  return offersOf(window, assign(window.problem))
}
