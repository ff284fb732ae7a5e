import { afterAll, beforeAll, expect, it } from 'vitest'
import type { RowDataPacket } from '../db/rows.ts'
import { operateOnCallbacks } from '../src/laravel/callback-operate.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { addMessages, fatesOf, messageRow, outboxHands } from './support/outbox.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await testDatabase('callbacks-operate')
})
afterAll(() => database?.drop())

it('a callback that is added while the one before it is discarded is woken all the same', async () => {
  const { pool } = database
  const [first] = await addMessages(pool, 'trip', 1)
  if (!first) return expect.fail()
  // The discard has looked for the next of the key and found none; then it waits for the audit's table.
  const blocker = await pool.getConnection()
  await blocker.query('LOCK TABLES audit_log WRITE')
  const discarded = operateOnCallbacks(pool, 'discard', [first], { actor: 'mona', reason: 'settled by hand' })
  const waiting = async () => {
    const [rows] = await blocker.query<RowDataPacket[]>('SHOW FULL PROCESSLIST')
    return rows.some(
      ({ db, Info }) => db === database.address.database && /^INSERT INTO audit_log/.test(Info),
    )
  }
  await expect.poll(waiting, { timeout: 15_000 }).toBe(true)
  const [second] = await addMessages(pool, 'trip', 1, 2)
  if (!second) return expect.fail()
  expect(await outboxHands(pool).claim(second), 'nobody sees the discard yet').toEqual([])
  await blocker.query('UNLOCK TABLES')
  blocker.release()
  expect((await discarded).toRing).toEqual([second])
  expect(Number((await messageRow(pool, second)).look_in)).toBeLessThanOrEqual(0)
  expect(await fatesOf(pool, 'trip')).toEqual(['1 discarded discarded_by_operator', '2 pending'])
})
