import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { Chance } from './chance.ts'
import type { Plan, PlannedAct } from './matching-plan.ts'
import { MatchingRun } from './matching-run.ts'
import { EACH, judge, playRuns } from './matching-runs.ts'
import { MatchingScene } from './matching-scene.ts'

const SEED = Number(process.env.MATCHING_SEED ?? Math.floor(Math.random() * 2 ** 31))
const RUNS = Number(process.env.MATCHING_RUNS ?? EACH)
const CROWD = Number(process.env.MATCHING_CROWD ?? 150)
const LANES = 6
const KILL_SHARE = 0.1
const ENGINE = process.env.ONCELINE_TEST_ENGINE === 'mysql' ? ' --engine mysql' : ''
const AGAIN = `node test/faults/matching-storm.ts --each --seed ${SEED} --runs ${RUNS} --lanes ${LANES} --kills ${KILL_SHARE}${ENGINE}`
const TIMEOUT_MS = 120_000 + RUNS * 1_000

let scene: MatchingScene

beforeAll(async () => {
  scene = await MatchingScene.open(inject('servers'))
})
afterAll(() => scene?.close())

describe('over two processes', () => {
  it(`one trip that ${CROWD} drivers accept at once has one of them`, {
    timeout: TIMEOUT_MS,
  }, async () => {
    const counts = await play('crowd', everybodyAtOnce(1, CROWD))
    expect(counts).toMatchObject({ accepted: 1, trip_taken: CROWD - 1 })
  })

  it('a driver who accepts fifty trips at once has one of them', { timeout: TIMEOUT_MS }, async () => {
    const counts = await play('fifty', everybodyAtOnce(50, 1))
    expect(counts).toMatchObject({ accepted: 1, driver_busy: 49 })
  })

  it(`${RUNS} small storms have a history that is possible`, { timeout: TIMEOUT_MS }, async () => {
    console.log(`matching storm: ${AGAIN}`)
    const { faults, counts } = await playRuns({
      ...{ scene, runs: RUNS, seed: SEED, lanes: LANES, killShare: KILL_SHARE },
      isEach: true,
    })
    console.log('matching storm:', counts)
    expect(faults, `${scene.words}\nAgain with: ${AGAIN}`).toEqual([])
    expect(counts).toMatchObject({ runs: RUNS, accepted: expect.any(Number), trip_taken: expect.any(Number) })
  })
})

/** Every fourth by Laravel's door, since a socket's own commands follow one another. */
function everybodyAtOnce(trips: number, drivers: number): Plan {
  const offers = Array.from({ length: trips * drivers }, (_, index) => ({
    trip: Math.floor(index / drivers),
    driver: index % drivers,
  }))
  const acts = offers.map(
    (offer, index): PlannedAct => ({
      ...{ ...offer, kind: 'accept', afterMs: 0, fate: 'calm' },
      door: index % 4 === 0 || trips > 1 ? 'http' : 'socket',
    }),
  )
  return { name: 'at once', trips, drivers, offers, acts, kill: null }
}

async function play(name: string, plan: Plan): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  const played = await new MatchingRun({ scene, plan, chance: new Chance(SEED), name }).play()
  const wrong = await judge(scene, played, (what, more = 1) => {
    counts[what] = (counts[what] ?? 0) + more
  })
  expect(wrong).toEqual([])
  return counts
}
