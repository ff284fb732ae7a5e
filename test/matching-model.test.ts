import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { Map2d } from './support/dispatch.ts'
import { type MatchingStep, matchingStep } from './support/matching-acts.ts'
import { RedisMap } from './support/matching-redis.ts'
import { MatchingWorld, type WorldMap } from './support/matching-world.ts'
import { propertyRuns } from './support/property-runs.ts'

const RUNS = Number(process.env.MATCHING_MODEL_RUNS ?? 25)
const REDIS_RUNS = Math.ceil(RUNS / 5)
const SEED = Number(process.env.FC_SEED ?? Math.floor(Math.random() * 2 ** 31))
const TIMEOUT_MS = 300_000 + RUNS * 1_000
let database: TestDatabase

beforeAll(async () => {
  database = await testDatabase('matching-model')
})
afterAll(() => database?.drop())

describe('whatever riders, drivers and processes do, in whatever order and however late: one driver a trip, one ride a driver, and nobody waits for ever', () => {
  it(
    `${RUNS} stories on a map`,
    async () => {
      const done = await tell(RUNS, async (play) => play(new Map2d()))
      // Otherwise nothing of all this was met.
      expect(done.get('accept: accepted') ?? 0).toBeGreaterThan(0)
    },
    TIMEOUT_MS,
  )

  it(
    `${REDIS_RUNS} stories on the index of the driver pool, in Redis`,
    async () => {
      let found = 0
      await tell(REDIS_RUNS, async (play) => {
        const map = new RedisMap(inject('servers').redis, randomUUID())
        try {
          await play(map)
        } finally {
          found += map.found
          map.close()
        }
      })
      expect(found).toBeGreaterThan(0)
    },
    TIMEOUT_MS,
  )
})

/** Each story on a map of its own; what was done how often. */
async function tell(
  runs: number,
  withMap: (play: (map: WorldMap) => Promise<void>) => Promise<void>,
): Promise<Map<string, number>> {
  console.log(`matching model: FC_SEED=${SEED} MATCHING_MODEL_RUNS=${RUNS}`)
  const done = new Map<string, number>()
  const stories = fc.array(matchingStep, { minLength: 10, maxLength: 40, size: 'max' })
  await fc.assert(
    fc.asyncProperty(stories, (steps) => withMap((map) => play(steps, map, done))),
    { ...propertyRuns(runs), seed: SEED, endOnFailure: process.env.MATCHING_MODEL_SHRINK === undefined },
  )
  console.log('matching model:', Object.fromEntries([...done].sort()))
  return done
}

async function play(steps: readonly MatchingStep[], map: WorldMap, done: Map<string, number>): Promise<void> {
  const world = await MatchingWorld.open(database, done, map)
  try {
    for (const step of steps) await world.take(step)
    await world.settle()
  } finally {
    await world.close()
  }
}
