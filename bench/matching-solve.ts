import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { munkres } from 'munkres'
import { type AssignmentProblem, assign } from '../src/matching/dispatch/policies/assignment.ts'
import { AssignmentWorker } from '../src/matching/dispatch/policies/assignment-worker.ts'
import { Decider } from '../src/matching/dispatch/policies/decide.ts'
import { windowOf } from '../src/matching/dispatch/policies/window.ts'
import type { WaitingTrip } from '../src/matching/dispatch/policy.ts'
import { DEFAULT_SETTINGS } from '../src/matching/dispatch/settings.ts'
import { largeWindow } from '../test/support/large-window.ts'
import { type Goal, progress, WrongResult } from './report.ts'
import { median } from './statistics.ts'
import { decimal, table } from './table.ts'

/** No search ends with more drivers. */
const MOST_NEAREST = 60
/** As many drivers as a search ends with, as many as it may end with, and all there are. */
const SHAPES = [
  { trips: 200, drivers: 200, nearest: 20 },
  { trips: 200, drivers: 200, nearest: 200 },
  { trips: 1_000, drivers: 1_000, nearest: 20 },
  { trips: 1_000, drivers: 1_000, nearest: MOST_NEAREST },
  { trips: 1_000, drivers: 1_000, nearest: 1_000 },
] as const
type Shape = (typeof SHAPES)[number]
const TURNS = 9
/** The timer that watches the event loop. */
const RESOLUTION_MS = 1

/** Medians of some turns, in milliseconds. */
export interface SolveFigures {
  readonly trips: number
  readonly drivers: number
  readonly nearest: number
  readonly solveMs: number
  /** From trips with their candidates to offers; null for what no search ends with. */
  readonly decideMs: number | null
  /** The longest that the service's own thread was kept from its timer meanwhile, beside the timer itself. */
  readonly loopDelayMs: number | null
  /** The same table with the package `munkres`. */
  readonly munkresMs: number
}

/** How long windows take. Throws where the solver and `munkres` do not agree on what the best costs. */
export async function measureSolving(): Promise<readonly SolveFigures[]> {
  const decider = new Decider({ worker: new AssignmentWorker({ timeoutMs: 60_000 }) })
  const all: SolveFigures[] = []
  for (const shape of SHAPES) {
    progress(`solving ${shape.trips} × ${shape.drivers}, ${shape.nearest} drivers a trip`)
    all.push(await measureShape(decider, shape))
  }
  await decider.close()
  return all
}

async function measureShape(decider: Decider, shape: Shape): Promise<SolveFigures> {
  const trips = largeWindow({ ...shape, seed: 'solve' })
  const { problem } = windowOf(trips, DEFAULT_SETTINGS)
  compare(problem)
  const isReal = shape.nearest <= MOST_NEAREST
  const decided = isReal ? await measureDeciding(decider, trips) : { decideMs: null, loopDelayMs: null }
  return {
    ...shape,
    ...decided,
    solveMs: await medianOf(TURNS, () => assign(problem)),
    munkresMs: await medianOf(3, () => munkres(matrixOf(problem))),
  }
}

async function measureDeciding(decider: Decider, trips: readonly WaitingTrip[]) {
  const decide = () => decider.decide('batch', trips, DEFAULT_SETTINGS)
  await decide()
  const loop: number[] = []
  const times: number[] = []
  for (let turn = 0; turn < TURNS; turn += 1) {
    const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
    histogram.enable()
    await sleep(20)
    histogram.reset()
    times.push(await millisecondsOf(decide))
    await sleep(5)
    histogram.disable()
    loop.push(Math.max(0, histogram.max / 1e6 - RESOLUTION_MS))
  }
  return { decideMs: median(times), loopDelayMs: median(loop) }
}

async function medianOf(turns: number, work: () => unknown): Promise<number> {
  const times: number[] = []
  for (let turn = 0; turn < turns; turn += 1) times.push(await millisecondsOf(work))
  return median(times)
}

async function millisecondsOf(work: () => unknown): Promise<number> {
  const startMs = performance.now()
  await work()
  return performance.now() - startMs
}

const FORBIDDEN_MS = 1e12

function matrixOf({ columns, starts, column, cost, alone }: AssignmentProblem): number[][] {
  return Array.from(alone, (_, row) => {
    const costs = new Array<number>(columns).fill(FORBIDDEN_MS)
    for (let pair = starts[row] ?? 0; pair < (starts[row + 1] ?? 0); pair += 1)
      costs[column[pair] ?? 0] = cost[pair] ?? 0
    return costs
  })
}

/** Every trip counts the same here, so that both solve the same problem. */
function compare(problem: AssignmentProblem): void {
  const matrix = matrixOf(problem)
  const costOf = (pairs: readonly (readonly [number, number])[]) =>
    pairs.reduce((sum, [row, column]) => sum + (matrix[row]?.[column] ?? FORBIDDEN_MS), 0)
  const same = { ...problem, alone: new Float64Array(matrix.length).fill(FORBIDDEN_MS) }
  const own = [...assign(same)].map((column, row) => [row, column] as const)
  const [mine, theirs] = [costOf(own), costOf(munkres(matrix))]
  if (mine !== theirs) throw new WrongResult(`an assignment costs ${mine}, and another solver's ${theirs}`)
}

export function describeSolving(figures: readonly SolveFigures[]): string {
  const rows = figures.map((one) => [
    `${one.trips} × ${one.drivers}, ${one.nearest} a trip`,
    ...[one.solveMs, one.munkresMs, one.decideMs, one.loopDelayMs].map((ms) =>
      ms === null ? '–' : decimal(ms, 1),
    ),
  ])
  return table(['window', 'solve ms', 'munkres ms', 'decide ms', 'event loop late ms'], rows)
}

export function solvingGoals(figures: readonly SolveFigures[]): readonly Goal[] {
  const most = (trips: number, isReal: boolean) => {
    const some = figures.filter((one) => one.trips === trips && one.nearest <= MOST_NEAREST === isReal)
    return Math.max(...some.map(({ solveMs }) => solveMs))
  }
  return [
    { name: 'solving 200 × 200, ms', value: most(200, true), atMost: 5 },
    { name: 'solving 200 × 200, every pair possible, ms', value: most(200, false), atMost: 5 },
    { name: 'solving 1,000 × 1,000, ms', value: most(1_000, true), atMost: 100 },
    { name: 'solving 1,000 × 1,000, every pair possible, ms', value: most(1_000, false), atMost: 100 },
  ]
}
