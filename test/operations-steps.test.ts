import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { jsonReply } from '../src/idempotency/answer.ts'
import type { Operation } from '../src/idempotency/operation.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { createEffects, effectsAt } from './support/once-app.ts'
import { requestOf } from './support/once-requests.ts'
import { openSite, unfinished } from './support/sites.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase('operations-steps')
  await createEffects(database.pool)
})
afterAll(() => database?.drop())

it('a step that does not heed its signal is given up, and what it says afterwards is not heard', async () => {
  const key = randomUUID()
  const gate = Promise.withResolvers<void>()
  const signals: AbortSignal[] = []
  const deaf: Operation = {
    name: 'deaf',
    step: async ({ id, signal }) => {
      signals.push(signal)
      await gate.promise
      return {
        kind: 'finish',
        reply: jsonReply(201, {}),
        write: async (connection) => {
          await connection.query("INSERT INTO effects VALUES (?, ?, 'late')", [id, key])
        },
      }
    },
  }
  const site = openSite(database.address, [deaf], { leaseSeconds: 1 })
  const request = { ...requestOf(key), operation: 'deaf', input: null }
  expect(await site.door.run(request)).toEqual({ kind: 'in_flight' })
  expect(signals.map(({ aborted }) => aborted)).toEqual([true])
  const given = [{ phase: 'start', attempts: 1, last_error: expect.stringContaining('given up') }]
  expect(await unfinished(database.pool)).toMatchObject(given)
  gate.resolve()
  // The site has one connection, so a commit that the step's end brought about would be over before this one is lent.
  await site.pool.query('SELECT 1')
  expect(await effectsAt(database.pool, key)).toEqual([])
  expect(await unfinished(database.pool)).toMatchObject(given)
  await site.pool.end()
})
