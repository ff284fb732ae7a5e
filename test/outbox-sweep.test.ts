import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Pool } from '../db/pools.ts'
import { inTransaction } from '../db/transaction.ts'
import type { Id } from '../src/base/ids.ts'
import { createLogger } from '../src/base/log.ts'
import { CallbackSweeper } from '../src/laravel/callback-sweep.ts'
import { LARAVEL_TOPIC } from '../src/laravel/queue.ts'
import { appendToOutbox } from '../src/outbox/append.ts'
import { readOutboxBacklog } from '../src/outbox/backlog.ts'
import { pruneFinished } from '../src/outbox/store.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import {
  addMessages,
  addTogether,
  countMessages,
  DEAD,
  DONE,
  fatesOf,
  makeDue,
  messageRow,
  type OutboxHands,
  outboxHands,
  three,
} from './support/outbox.ts'

let database: TestDatabase
let pool: Pool
let hands: OutboxHands
const claimOne: OutboxHands['claimOne'] = (id) => hands.claimOne(id)
const settle: OutboxHands['settle'] = (message, settlement) => hands.settle(message, settlement)
const take: OutboxHands['take'] = () => hands.take()

beforeAll(async () => {
  database = await testDatabase('outbox-sweep')
  pool = database.pool
  hands = outboxHands(pool)
})
afterAll(() => database?.drop())
beforeEach(async () => {
  await pool.query('DELETE FROM outbox')
  await pool.query('DELETE FROM outbox_turns')
})

describe('the sweeper', () => {
  it('takes what is due and has its turn, and looks at the others much later', async () => {
    const [first, second] = await addMessages(pool, 'trip', 2)
    const [other] = await addMessages(pool, 'other', 1)
    if (!first || !second || !other) return expect.fail()
    expect(await take(), 'whoever added them rings first').toEqual([])
    await makeDue(pool, first, second, other)
    expect(await take()).toEqual([first.toString('hex'), other.toString('hex')].sort())
    expect(Number((await messageRow(pool, second)).look_in)).toBeGreaterThan(250)
    expect(await take(), 'left alone for a while').toEqual([])
  })

  it('finds a message that committed late, whatever came after it', async () => {
    const connection = await pool.getConnection()
    await connection.query('START TRANSACTION')
    const message = { topic: LARAVEL_TOPIC, orderingKey: 'late', event: 'e', payload: { n: 0 } }
    const [late] = await appendToOutbox(connection, [message], new Date('2026-01-01T00:00:00Z'))
    const [id] = await addMessages(pool, 'early', 1)
    if (!late || !id) return expect.fail()
    await settle(await claimOne(id), DONE)
    expect(await take()).toEqual([])
    await connection.query('COMMIT')
    connection.release()
    expect(await take()).toEqual([late.toString('hex')])
  })

  it('removes what was done long ago, and nothing else', async () => {
    const [done, recent, dead] = three(await addMessages(pool, 'trip', 3))
    await addMessages(pool, 'trip', 1, 4)
    for (const id of [done, recent]) await settle(await claimOne(id), DONE)
    await settle(await claimOne(dead), DEAD)
    await pool.query(
      'UPDATE outbox SET next_at = next_at - INTERVAL 73 HOUR, created_at = created_at - INTERVAL 73 HOUR WHERE id <> ?',
      [recent],
    )
    const prune = () => inTransaction(pool, 'prune', (c) => pruneFinished(c, LARAVEL_TOPIC, 10))
    expect([await prune(), await prune()]).toEqual([1, 0])
    expect(await fatesOf(pool, 'trip')).toEqual(['2 done', '3 dead rejected', '4 pending'])
  })

  it('knows how much is open, and how old', async () => {
    const [dead, second] = await addMessages(pool, 'trip', 3)
    if (!dead || !second) return expect.fail()
    await settle(await claimOne(dead), DEAD)
    await claimOne(second)
    await pool.query('UPDATE outbox SET created_at = created_at - INTERVAL 40 SECOND WHERE id = ?', [second])
    const { states, oldestSeconds } = await readOutboxBacklog(pool, LARAVEL_TOPIC)
    expect(states).toEqual({ pending: 1, sending: 1, dead: 1 })
    expect(oldestSeconds).toBeGreaterThan(39)
    expect(oldestSeconds).toBeLessThan(60)
  })

  it('removes a bounded number in a turn, so that what is due does not wait for the end of it', async () => {
    const count = 5_200
    for (let from = 0; from < count; from += 1_300)
      await addTogether(
        pool,
        Array.from({ length: 1_300 }, (_, n) => ({ orderingKey: `done-${from}-${n}`, n })),
      )
    await pool.query("UPDATE outbox SET state = 'done', next_at = UTC_TIMESTAMP(3) - INTERVAL 1 HOUR")
    const [due] = await addMessages(pool, 'due', 1)
    await makeDue(pool, due as Id)
    const delivered: Id[] = []
    const sweeper = new CallbackSweeper({
      pool,
      log: createLogger({ level: 'fatal' }),
      ring: async () => false,
      depth: async () => null,
      deliver: async (ids) => void delivered.push(...ids),
      circuit: () => 'closed',
      pace: { intervalMs: 1, nextLookSeconds: 10 },
    })
    await sweeper.runOnce()
    expect(delivered).toEqual([due])
    expect(await countMessages(pool, 'done')).toBe(200)
    await sweeper.runOnce()
    expect(await countMessages(pool, 'done')).toBe(0)
  })
})
