import { deadlineFaults } from '../support/linearizability/deadlines.ts'
import { describeOperation } from '../support/linearizability/trip-acts.ts'
import { faultsOfHistory } from '../support/linearizability/trip-history.ts'
import { Chance } from './chance.ts'
import { DispatchedRun } from './dispatched-run.ts'
import type { Plan } from './matching-plan.ts'
import { MatchingRun, type Played } from './matching-run.ts'
import type { MatchingScene } from './matching-scene.ts'
import { DISPATCHED, drawPlan, SKETCHES } from './matching-sketches.ts'
import { wrongTables } from './matching-truth.ts'

export interface RunsOptions {
  readonly scene: MatchingScene
  readonly runs: number
  readonly seed: number
  /** So many runs are played at once. */
  readonly lanes: number
  /** In so many of them a process is killed. */
  readonly killShare: number
  /** This one alone. */
  readonly plan?: string
  /** One after the other instead of any, the longest first. */
  readonly isEach?: boolean
  /** True: the first wrong run is the last. */
  readonly isImpatient?: boolean
  readonly onProgress?: (line: string) => void
}

export interface RunsTold {
  /** One text for each run that was wrong. */
  readonly faults: readonly string[]
  readonly counts: Readonly<Record<string, number>>
}

const NAMES = [DISPATCHED, ...Object.keys(SKETCHES).filter((name) => name !== DISPATCHED)]
/** So many runs have each plan once. */
export const EACH = NAMES.length

/** Plays so many runs of a seed, and says what was wrong with them. */
export async function playRuns(options: RunsOptions): Promise<RunsTold> {
  const {
    scene,
    runs,
    seed,
    lanes,
    killShare,
    plan,
    isEach = false,
    isImpatient = false,
    onProgress,
  } = options
  const seeds = new Chance(seed)
  const chances = Array.from({ length: runs }, () => seeds.between(0, 2 ** 31))
  const faults: string[] = []
  const counts: Record<string, number> = {}
  const count = (name: string, more = 1): void => {
    counts[name] = (counts[name] ?? 0) + more
  }
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < runs && !(isImpatient && faults.length > 0)) {
      const index = next
      next += 1
      const chance = new Chance(chances[index] ?? 0)
      const drawn = drawPlan(chance, killShare, isEach ? NAMES[index % NAMES.length] : plan)
      const name = `s${seed}-${index}`
      const wrong = await faultsOfRun({ scene, plan: drawn, chance, name }, count)
      count('runs')
      if (wrong.length > 0)
        faults.push(`run ${index} of the seed ${seed}, ${drawn.name}:\n  ${wrong.join('\n  ')}`)
      onProgress?.(`${counts.runs} of ${runs} runs, ${scene.killed} processes killed, ${faults.length} wrong`)
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  return { faults, counts: { ...counts, killed: scene.killed } }
}

type Count = (name: string, more?: number) => void

interface OneRun {
  readonly scene: MatchingScene
  readonly plan: Plan
  readonly chance: Chance
  readonly name: string
}

async function faultsOfRun(one: OneRun, count: Count): Promise<string[]> {
  const run = one.plan.name === DISPATCHED ? new DispatchedRun(one) : new MatchingRun(one)
  const played = await run.play()
  const wrong = await judge(one.scene, played, count)
  // Whatever still waits is in the way of later runs.
  await one.scene.database.pool.query('DELETE FROM trip_dispatches WHERE trip_id IN (?)', [played.tripIds])
  return wrong
}

/** What the history, the clocks and the tables say against what was played. */
export async function judge(scene: MatchingScene, played: Played, count: Count): Promise<string[]> {
  const { history, faults } = played
  for (const { act, heard } of history) {
    count('acts')
    if (heard === null) count('not heard')
    else if (act.kind === 'accept' || act.kind === 'choose')
      count(heard.answer.word === 'ok' ? (act.kind === 'accept' ? 'accepted' : 'chosen') : heard.answer.word)
    else if (act.kind === 'bid' && heard.answer.word === 'ok') count('bids')
  }
  const wrong = [
    ...faults,
    ...faultsOfHistory(history),
    ...deadlineFaults(history),
    ...(await wrongTables(scene.database.pool, played)),
  ]
  if (wrong.length === 0) return []
  const story = history.toSorted((x, y) => x.callMs - y.callMs).map(describeOperation)
  return [...wrong, 'the history:', ...story]
}
