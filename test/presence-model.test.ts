import fc from 'fast-check'
import { afterAll, beforeAll, it } from 'vitest'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { SLOW } from './support/presence.ts'
import { PresenceWorld, type WorldStep } from './support/presence-world.ts'
import { propertyRuns } from './support/property-runs.ts'

const USERS = ['d-1', 'd-2', 'd-3']
let database: TestDatabase

beforeAll(async () => {
  database = await testDatabase('presence-model')
})
afterAll(() => database?.drop())

const node = fc.constantFrom(0 as const, 1 as const)
const user = fc.constantFrom(...USERS)
/** From a moment to an outage of many graces; who renews while it passes, and who could not. */
const ms = fc.constantFrom(
  1_000,
  SLOW.steadyGapMs / 2,
  SLOW.leaseMs + 1_000,
  SLOW.graceMs - SLOW.leaseMs,
  SLOW.graceMs + 1_000,
  4 * SLOW.graceMs,
)
const step: fc.Arbitrary<WorldStep> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('open' as const), node, user }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('close' as const), node, user }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('kill' as const), node }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('stop' as const), node }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('pass' as const), ms, renewing: fc.subarray([0, 1] as const) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('check' as const), node }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('sweep' as const), node }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('at once' as const),
      opens: fc.array(fc.tuple(node, user), { maxLength: 4 }),
    }),
  },
)

it('whatever opens, closes, dies, sleeps and passes: one owner by a fence that rises, and offline only after a whole grace', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
      const world = await PresenceWorld.open(database, USERS)
      try {
        for (const one of steps) await world.take(one)
        await world.settle()
        await world.expectSettled()
      } finally {
        await world.close()
      }
    }),
    propertyRuns(Number(process.env.PRESENCE_RUNS ?? 25)),
  )
}, 180_000)
