import type { TripState } from '../src/matching/trips/trip-state.ts'

/** One row of a trip's history, as the database has it. */
export interface HistoryStep {
  readonly tripId: string
  readonly to: TripState
  /** Who drives then. */
  readonly driverId: string | null
  readonly atMs: number
}

/** A driver had a trip from then to then; null: he still has it. */
export interface Holding {
  readonly tripId: string
  readonly driverId: string
  readonly fromMs: number
  readonly toMs: number | null
}

export interface Histories {
  readonly holdings: readonly Holding[]
  /** A trip was taken by somebody while somebody had it. */
  readonly takenTwice: readonly string[]
}

/** Who had which trip when, from all steps in the order of each trip's versions. Pure. */
export function readHistories(steps: readonly HistoryStep[]): Histories {
  const holdings: Holding[] = []
  const takenTwice: string[] = []
  const open = new Map<string, Holding>()
  const end = (tripId: string, toMs: number) => {
    const holding = open.get(tripId)
    if (holding === undefined) return
    holdings.push({ ...holding, toMs })
    open.delete(tripId)
  }
  for (const { tripId, to, driverId, atMs } of steps) {
    if (to === 'accepted') {
      const holder = open.get(tripId)
      if (holder !== undefined) takenTwice.push(`${tripId}: ${holder.driverId}, then ${driverId}`)
      open.set(tripId, { tripId, driverId: driverId ?? '?', fromMs: atMs, toMs: null })
    } else if (ENDS.includes(to)) end(tripId, atMs)
  }
  return { holdings: [...holdings, ...open.values()], takenTwice }
}

/** A driver has a trip no more: it is over, or looks for another one. */
const ENDS: readonly TripState[] = ['completed', 'cancelled', 'returned', 'pending']

/** Drivers who had two trips at once; whoever takes one in the moment in which the other ends has them one after the other. Pure. */
export function overlaps(holdings: readonly Holding[]): readonly string[] {
  const found: string[] = []
  const last = new Map<string, Holding>()
  for (const holding of holdings.toSorted((a, b) => a.fromMs - b.fromMs)) {
    const before = last.get(holding.driverId)
    const beforeEndMs =
      before === undefined ? Number.NEGATIVE_INFINITY : (before.toMs ?? Number.POSITIVE_INFINITY)
    if (before !== undefined && beforeEndMs > holding.fromMs)
      found.push(`${holding.driverId}: ${before.tripId} and ${holding.tripId}`)
    if (before === undefined || beforeEndMs < (holding.toMs ?? Number.POSITIVE_INFINITY))
      last.set(holding.driverId, holding)
  }
  return found
}
