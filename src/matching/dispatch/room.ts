import type { DispatchPolicy } from '../trips/trip.ts'

/** Several drivers are asked at once; otherwise one alone. */
export function isForMany(policy: DispatchPolicy): boolean {
  return policy === 'broadcast' || policy === 'bidding'
}

/** Who asks many waits until half of them are gone before he asks others. */
export function isEnough(live: number, maxDrivers: number): boolean {
  return live > maxDrivers / 2
}

/** How many more may be asked beside those who think. Pure. */
export function roomFor(policy: DispatchPolicy, live: number, maxDrivers: number): number {
  if (!isForMany(policy)) return live > 0 ? 0 : 1
  return isEnough(live, maxDrivers) ? 0 : maxDrivers - live
}
