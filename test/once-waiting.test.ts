import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Database, openDatabase, openPool } from '../db/pools.ts'
import { Once } from '../src/idempotency/once.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { waitForLockWait } from './support/locks.ts'
import { createEffects, effectsAt } from './support/once-app.ts'
import { answerIn, effect, kindsOf, requestOf, run } from './support/once-requests.ts'

let database: TestDatabase
let pools: Database
/** Another process's, as far as the database can tell. */
let elsewhere: Database
let once: Once
let other: Once

beforeAll(async () => {
  database = await testDatabase('once-waiting')
  await createEffects(database.pool)
  pools = openDatabase(database.address, 1)
  elsewhere = openDatabase(database.address, 1)
  once = new Once({ pool: pools.commands })
  other = new Once({ pool: elsewhere.commands })
})
afterAll(async () => {
  await pools?.close()
  await elsewhere?.close()
  await database?.drop()
})

describe('a key that another process holds', () => {
  it.each([
    ['commits', 'replayed'],
    ['gives up', 'executed'],
  ] as const)('is waited for; when it %s, the request is %s', async (end, kind) => {
    const key = randomUUID()
    const gate = Promise.withResolvers<void>()
    const started = Promise.withResolvers<void>()
    const holding = other.run(requestOf(key), async (...args) => {
      started.resolve()
      await gate.promise
      if (end === 'gives up') throw new Error('it gave up')
      return effect(key)(...args)
    })
    holding.catch(() => undefined)
    await started.promise
    const waiting = run(once, key)
    await waitForLockWait(database.address)
    gate.resolve()
    expect((await waiting).kind).toBe(kind)
    await holding.catch(() => undefined)
    expect(await effectsAt(database.pool, key)).toEqual(['a'])
  })

  it('for too long is in flight, for all who wait, and neither before a second nor long after two', async () => {
    const key = randomUUID()
    const gate = Promise.withResolvers<void>()
    const started = Promise.withResolvers<void>()
    const holding = other.run(requestOf(key), async (...args) => {
      started.resolve()
      await gate.promise
      return effect(key)(...args)
    })
    await started.promise
    const startedMs = performance.now()
    const waiting = await Promise.all([run(once, key), run(once, key), run(once, key), run(other, key)])
    const waitedMs = performance.now() - startedMs
    expect(waiting).toEqual(Array(4).fill({ kind: 'in_flight' }))
    expect(waitedMs).toBeGreaterThan(900)
    expect(waitedMs).toBeLessThan(4_000)
    gate.resolve()
    const first = await holding
    expect(await run(once, key)).toEqual({ kind: 'replayed', answer: answerIn(first) })
  })
})

it('those who wait hold no connection', async () => {
  const pool = openPool(database.address, { connectionLimit: 2, lockWaitSeconds: 1 })
  const narrow = new Once({ pool, waitMs: 20_000 })
  const key = randomUUID()
  const gate = Promise.withResolvers<void>()
  const holding = narrow.run(requestOf(key), async (...args) => {
    await gate.promise
    return effect(key)(...args)
  })
  const waiting = Array.from({ length: 50 }, () => run(narrow, key))
  await pause(0)
  expect((await run(narrow, randomUUID())).kind).toBe('executed')
  gate.resolve()
  await holding
  expect(kindsOf(await Promise.all(waiting))).toEqual({ replayed: 50 })
  await pool.end()
})
