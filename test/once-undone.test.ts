import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Database, openDatabase } from '../db/pools.ts'
import { Once } from '../src/idempotency/once.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { createEffects, effectsAt, takeEffect } from './support/once-app.ts'
import { requestOf, run } from './support/once-requests.ts'

let database: TestDatabase
let pools: Database

beforeAll(async () => {
  database = await testDatabase('once-undone')
  await createEffects(database.pool)
  pools = openDatabase(database.address, 1)
})
afterAll(async () => {
  await pools?.close()
  await database?.drop()
})

/**
 * A deadlock is the whole transaction's end. A handler that catches its error, instead of letting it through, goes on over a
 * connection without a transaction, where each statement is committed by itself.
 */
it('a handler that goes on although its transaction was taken back is not answered, and its key is free', async () => {
  const once = new Once({ pool: pools.commands })
  const key = randomUUID()
  const deaf = once.run(requestOf(key), async (connection, claim) => {
    const reply = await takeEffect(connection, claim, key, { content: 'undone' })
    await connection.query('ROLLBACK')
    return reply
  })
  await expect(deaf).rejects.toThrow()
  expect(await effectsAt(database.pool, key)).toEqual([])
  // Other content: it would be a mismatch if anything stood.
  expect(await run(once, key, { content: 'b' })).toMatchObject({ kind: 'executed', answer: { status: 201 } })
  expect(await run(once, key, { content: 'b' })).toMatchObject({ kind: 'replayed', answer: { status: 201 } })
  expect(await effectsAt(database.pool, key)).toEqual(['b'])
})
