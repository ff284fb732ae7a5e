import type { PlannedOffer, WaitingTrip } from '../policy.ts'
import type { DispatchSettings } from '../settings.ts'
import { type AssignmentProblem, NO_COLUMN } from './assignment.ts'
import { byWaiting, type Ranked, ranked } from './ranking.ts'

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

/** A trip and the drivers who may be asked for it. */
export interface WindowRow {
  readonly trip: WaitingTrip
  readonly choices: readonly Ranked[]
}

/** Who has no connection is in no window. */
export function rowOf(trip: WaitingTrip, { weights }: Pick<DispatchSettings, 'weights'>): WindowRow {
  return { trip, choices: ranked(trip.candidates, weights).filter(({ isConnected }) => isConnected) }
}

/** The same whatever the order of trips and candidates. */
export function windowOf(trips: readonly WaitingTrip[], settings: Pick<DispatchSettings, 'weights'>): Window {
  const rows = byWaiting(trips).map((trip) => rowOf(trip, settings))
  return windowOfRows(rows, settings)
}

/** Rows in the order of `byWaiting`; drivers are numbered as they come. */
export function windowOfRows(
  rows: readonly WindowRow[],
  { weights }: Pick<DispatchSettings, 'weights'>,
): Window {
  const starts = new Int32Array(rows.length + 1)
  for (const [row, { choices }] of rows.entries()) starts[row + 1] = (starts[row] ?? 0) + choices.length
  const { column, cost, driverIds } = pairsOf(rows, starts.at(-1) ?? 0)
  const alone = Float64Array.from(rows, ({ trip }) => UNSERVED_MS + creditMs(trip.waitedMs, weights.wait))
  return {
    tripIds: rows.map(({ trip }) => trip.tripId),
    driverIds,
    problem: { columns: driverIds.length, starts, column, cost, alone },
  }
}

/** What a trip has saved by waiting: who takes its driver has to be so much nearer, or to have waited, too. */
function creditMs(waitedMs: number, weight: number): number {
  return Math.round(Math.min(Math.max(waitedMs, 0), MAX_WAIT_MS) * weight)
}

/** A plain loop: a large window has tens of thousands of pairs, and the service's own thread makes them. */
function pairsOf(rows: readonly WindowRow[], count: number) {
  const numbers = new Map<string, number>()
  const column = new Int32Array(count)
  const cost = new Float64Array(count)
  let pair = 0
  for (const { choices } of rows)
    for (const choice of choices) {
      let number = numbers.get(choice.driverId)
      if (number === undefined) {
        number = numbers.size
        numbers.set(choice.driverId, number)
      }
      column[pair] = number
      cost[pair] = Math.round(choice.cost * 1_000)
      pair += 1
    }
  return { column, cost, driverIds: [...numbers.keys()] }
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
