import { randomUUID } from 'node:crypto'
import { once as heard } from 'node:events'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Database, openDatabase } from '../db/pools.ts'
import type { RowDataPacket } from '../db/rows.ts'
import { createLogger } from '../src/base/log.ts'
import { Once } from '../src/idempotency/once.ts'
import { keyPruner } from '../src/idempotency/pruner.ts'
import { pruneAnswers } from '../src/idempotency/store.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { createEffects, effectsAt } from './support/once-app.ts'
import { requestOf, run } from './support/once-requests.ts'

const HOUR = 3_600
const DAY = 24 * HOUR
let database: TestDatabase
let pools: Database
let once: Once
let pruner: ReturnType<typeof keyPruner>

beforeAll(async () => {
  database = await testDatabase('idempotency-pruning')
  await createEffects(database.pool)
  pools = openDatabase(database.address, 4)
  once = new Once({ pool: pools.commands })
  pruner = keyPruner({ pool: pools.workers, log: createLogger({ level: 'silent' }), batch: 10 })
})
afterAll(async () => {
  await pools?.close()
  await database?.drop()
})
beforeEach(async () => {
  await database.pool.query('DELETE FROM idempotency_keys')
})

describe('what was kept long enough', () => {
  it('goes: the answer after 72 hours, the key 400 days later, and not before', async () => {
    const key = randomUUID()
    await run(once, key)
    await letPass(key, 72 * HOUR - 60)
    expect(await pruner.runOnce()).toEqual({ answers: 0, keys: 0 })
    expect((await run(once, key)).kind).toBe('replayed')
    await letPass(key, 60)
    expect(await pruner.runOnce()).toEqual({ answers: 1, keys: 0 })
    expect(await stored(key)).toMatchObject({ state: 'pruned', status: null, headers: null, body: null })
    expect((await run(once, key)).kind).toBe('expired')
    await letPass(key, 400 * DAY - 60)
    expect(await pruner.runOnce()).toEqual({ answers: 0, keys: 0 })
    expect((await run(once, key)).kind).toBe('expired')
    await letPass(key, 60)
    expect(await pruner.runOnce()).toEqual({ answers: 0, keys: 1 })
    expect(await stored(key)).toBeUndefined()
    expect(await effectsAt(database.pool, key), 'nothing was done again').toEqual(['a'])
  })

  it('goes in small batches, each row once, whoever prunes', async () => {
    const keys = await keysOf(35)
    for (const key of keys) await letPass(key, 72 * HOUR)
    const second = keyPruner({ pool: pools.workers, log: createLogger({ level: 'silent' }), batch: 10 })
    const turns = [await pruner.runOnce(), ...(await Promise.all([pruner.runOnce(), second.runOnce()]))]
    expect(turns.map(({ answers }) => answers)).toEqual([10, 10, 10])
    expect(await pruner.runOnce()).toEqual({ answers: 5, keys: 0 })
  })

  it('is told by its time and never by its id: older ids that are not due stay', async () => {
    const [unfinished, late, due] = await keysOf(3)
    await database.pool.query(
      "UPDATE idempotency_keys SET state = 'running', due_at = NULL WHERE record_key = ?",
      [requestOf(unfinished ?? '').key],
    )
    await letPass(due ?? '', 72 * HOUR)
    expect(await pruner.runOnce()).toEqual({ answers: 1, keys: 0 })
    expect(await stored(unfinished ?? '')).toMatchObject({ state: 'running' })
    expect(await stored(late ?? '')).toMatchObject({ state: 'done', status: 201 })
    expect(await stored(due ?? '')).toMatchObject({ state: 'pruned' })
    await letPass(late ?? '', 500 * DAY)
    await database.pool.query(
      "UPDATE idempotency_keys SET state = 'running', due_at = NULL WHERE state = 'pruned'",
    )
    expect(await pruner.runOnce()).toEqual({ answers: 1, keys: 1 })
    expect((await database.pool.query<RowDataPacket[]>('SELECT id FROM idempotency_keys'))[0]).toHaveLength(2)
  })
})

describe('a pruner at work', () => {
  it('blocks no insert, of keys before, between and after its own', async () => {
    for (const key of await keysOf(20)) await letPass(key, 72 * HOUR)
    const connection = await pools.workers.getConnection()
    await connection.query('START TRANSACTION')
    expect(await pruneAnswers(connection, 10)).toBe(10)
    const results = await Promise.all(Array.from({ length: 200 }, () => run(once, randomUUID())))
    expect(new Set(results.map(({ kind }) => kind))).toEqual(new Set(['executed']))
    await connection.query('ROLLBACK')
    connection.release()
  })

  it('passes by a row that somebody has locked, and takes it later', async () => {
    const [held, free] = await keysOf(2)
    for (const key of [held, free]) await letPass(key ?? '', 72 * HOUR)
    const holder = await database.pool.getConnection()
    await holder.query('START TRANSACTION')
    await holder.query('SELECT id FROM idempotency_keys WHERE record_key = ? FOR UPDATE', [
      requestOf(held ?? '').key,
    ])
    expect(await pruner.runOnce()).toEqual({ answers: 1, keys: 0 })
    await holder.query('ROLLBACK')
    holder.release()
    expect(await pruner.runOnce()).toEqual({ answers: 1, keys: 0 })
  })

  it('goes by the index due', async () => {
    await keysOf(5)
    const format = database.engine === 'mysql' ? 'FORMAT=TRADITIONAL' : ''
    const [[row]] = (await database.pool.query(
      `EXPLAIN ${format} SELECT id FROM idempotency_keys WHERE state = 'done' AND due_at <= UTC_TIMESTAMP(3)
       ORDER BY due_at LIMIT 10 FOR UPDATE SKIP LOCKED`,
    )) as [RowDataPacket[], unknown]
    expect(row?.key).toBe('due')
  })

  it('that runs goes on after a failure, takes what is due, and stops', async () => {
    for (const key of await keysOf(12)) await letPass(key, 72 * HOUR)
    const said = new EventTarget()
    const log = createLogger({
      level: 'warn',
      destination: { write: () => void said.dispatchEvent(new Event('warned')) },
    })
    const running = keyPruner({ pool: pools.workers, log, batch: 5, intervalMs: 5 })
    await database.pool.query('RENAME TABLE idempotency_keys TO away')
    const warned = heard(said, 'warned')
    running.start()
    await warned
    await database.pool.query('RENAME TABLE away TO idempotency_keys')
    await expect
      .poll(async () => {
        const [rows] = await database.pool.query<RowDataPacket[]>(
          "SELECT id FROM idempotency_keys WHERE state = 'pruned'",
        )
        return rows.length
      })
      .toBe(12)
    await running.stop(5_000)
  })
})

/** Keys that were used once, in the order of their ids. */
async function keysOf(count: number): Promise<string[]> {
  const keys = Array.from({ length: count }, () => randomUUID())
  for (const key of keys) await run(once, key)
  return keys
}

/** Lets the time pass for one key. */
async function letPass(key: string, seconds: number): Promise<void> {
  await database.pool.query(
    'UPDATE idempotency_keys SET due_at = due_at - INTERVAL ? SECOND WHERE record_key = ?',
    [seconds, requestOf(key).key],
  )
}

async function stored(key: string): Promise<RowDataPacket | undefined> {
  const [rows] = await database.pool.query<RowDataPacket[]>(
    `SELECT k.state, a.status, a.headers, a.body FROM idempotency_keys AS k LEFT JOIN idempotency_answers AS a ON a.id = k.id
     WHERE k.record_key = ?`,
    [requestOf(key).key],
  )
  return rows[0]
}
