import type { PlannedOffer, WaitingTrip } from '../policy.ts'
import type { DispatchSettings } from '../settings.ts'
import { broadcast } from './broadcast.ts'

/** Who is invited to bid: those whom a broadcast would ask. Who gets the trip is for the rider to say. */
export function bidding(
  trips: readonly WaitingTrip[],
  settings: Pick<DispatchSettings, 'weights' | 'maxDrivers'>,
): readonly PlannedOffer[] {
  return broadcast(trips, settings)
}
