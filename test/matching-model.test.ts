import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { matchingStep } from './support/matching-acts.ts'
import { MatchingWorld } from './support/matching-world.ts'
import { propertyRuns } from './support/property-runs.ts'

const RUNS = Number(process.env.MATCHING_MODEL_RUNS ?? 25)
let database: TestDatabase

beforeAll(async () => {
  database = await testDatabase('matching-model')
})
afterAll(() => database?.drop())

it('whatever riders, drivers and processes do, in whatever order and however late: one driver a trip, one ride a driver, and nobody waits for ever', async () => {
  const done = new Map<string, number>()
  await fc.assert(
    fc.asyncProperty(fc.array(matchingStep, { minLength: 10, maxLength: 40, size: 'max' }), async (steps) => {
      const world = await MatchingWorld.open(database, done)
      try {
        for (const step of steps) await world.take(step)
        await world.settle()
      } finally {
        await world.close()
      }
    }),
    { ...propertyRuns(RUNS), endOnFailure: process.env.MATCHING_MODEL_SHRINK === undefined },
  )
  console.log('matching model:', Object.fromEntries([...done].sort()))
  // Otherwise nothing of all this was met.
  expect(done.get('accept: accepted') ?? 0).toBeGreaterThan(0)
}, 300_000)
