import type { PlannedOffer, WaitingTrip } from '../policy.ts'
import type { DispatchSettings } from '../settings.ts'
import { type AssignmentProblem, NO_COLUMN } from './assignment.ts'
import { byWaiting, compareIds, type Ranked, ranked } from './ranking.ts'

/** All waiting trips and all drivers who may be asked for any of them, numbered. */
export interface Window {
  readonly tripIds: readonly string[]
  readonly driverIds: readonly string[]
  readonly problem: AssignmentProblem
}

/**
 * More than any chain of drivers who change trips can save, so that as many trips are served as can be: in milliseconds, as all costs of a
 * window, 10^12 of which leave room for thousands of them in a number.
 */
const UNSERVED_MS = 1e12
/** A trip that has waited for longer than that is no older than others. */
const MAX_WAIT_MS = 86_400_000

/** The same whatever the order of trips and candidates. Who has no connection is in no window. */
export function windowOf(
  trips: readonly WaitingTrip[],
  { weights }: Pick<DispatchSettings, 'weights'>,
): Window {
  const rows = byWaiting(trips).map((trip) => ({
    trip,
    choices: ranked(trip.candidates, weights).filter(({ isConnected }) => isConnected),
  }))
  const driverIds = [...new Set(rows.flatMap(({ choices }) => choices.map(({ driverId }) => driverId)))]
  driverIds.sort(compareIds)
  return {
    tripIds: rows.map(({ trip }) => trip.tripId),
    driverIds,
    problem: {
      columns: driverIds.length,
      ...pairsOf(
        rows.map(({ choices }) => choices),
        driverIds,
      ),
      alone: Float64Array.from(rows, ({ trip }) => UNSERVED_MS + creditMs(trip.waitedMs, weights.wait)),
    },
  }
}

/** What a trip has saved by waiting: who takes its driver has to be so much nearer, or to have waited, too. */
function creditMs(waitedMs: number, weight: number): number {
  return Math.round(Math.min(Math.max(waitedMs, 0), MAX_WAIT_MS) * weight)
}

function pairsOf(rows: readonly (readonly Ranked[])[], driverIds: readonly string[]) {
  const numbers = new Map(driverIds.map((driverId, number) => [driverId, number]))
  const starts = new Int32Array(rows.length + 1)
  for (const [row, choices] of rows.entries()) starts[row + 1] = (starts[row] ?? 0) + choices.length
  const choices = rows.flat()
  return {
    starts,
    column: Int32Array.from(choices, ({ driverId }) => numbers.get(driverId) ?? 0),
    cost: Float64Array.from(choices, ({ cost }) => Math.round(cost * 1_000)),
  }
}

/** What an assignment means, in the order of the window's trips. */
export function offersOf(
  { tripIds, driverIds, problem }: Window,
  columnOf: Int32Array,
): readonly PlannedOffer[] {
  return tripIds.flatMap((tripId, row) => {
    const column = columnOf[row] ?? NO_COLUMN
    const driverId = driverIds[column]
    if (driverId === undefined) return []
    return [{ tripId, driverId, cost: costOfPair(problem, row, column) / 1_000 }]
  })
}

function costOfPair({ starts, column, cost }: AssignmentProblem, row: number, wanted: number): number {
  const pair = column.indexOf(wanted, starts[row])
  return cost[pair] ?? 0
}
