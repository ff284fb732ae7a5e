import type { DispatchPolicy } from '../../trips/trip.ts'
import type { PlannedOffer, WaitingTrip } from '../policy.ts'
import type { DispatchSettings } from '../settings.ts'
import { POLICIES } from './policies.ts'

export async function decide(
  policy: DispatchPolicy,
  trips: readonly WaitingTrip[],
  settings: DispatchSettings,
): Promise<readonly PlannedOffer[]> {
  return POLICIES[policy](trips, settings)
}
