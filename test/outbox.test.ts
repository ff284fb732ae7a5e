import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Pool } from '../db/pools.ts'
import { inTransaction } from '../db/transaction.ts'
import type { Id } from '../src/base/ids.ts'
import { LARAVEL_TOPIC } from '../src/laravel/queue.ts'
import { appendToOutbox } from '../src/outbox/append.ts'
import { readOutboxBacklog } from '../src/outbox/backlog.ts'
import type { ClaimedMessage, Settlement } from '../src/outbox/message.ts'
import { type Settled, settleMessage } from '../src/outbox/settlement-store.ts'
import { claimTurns, pruneFinished, takeDueHeads } from '../src/outbox/store.ts'
import { countOf } from './support/books.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { addMessages, addTogether, fatesOf, makeDue, messageRow } from './support/outbox.ts'

const LEASE_SECONDS = 30
const DONE: Settlement = { kind: 'done', status: 204 }
const DEAD: Settlement = { kind: 'dead', reason: 'rejected', status: 422, error: 'answered 422' }
const RETRY: Settlement = { kind: 'retry', delayMs: 60_000, status: 500, error: 'answered 500' }

let database: TestDatabase
let pool: Pool

beforeAll(async () => {
  database = await testDatabase('outbox')
  pool = database.pool
})
afterAll(() => database?.drop())
beforeEach(async () => {
  await pool.query('DELETE FROM outbox')
  await pool.query('DELETE FROM outbox_turns')
})

function claim(...ids: readonly Id[]): Promise<ClaimedMessage[]> {
  return inTransaction(pool, 'claim', (connection) =>
    claimTurns(connection, LARAVEL_TOPIC, ids, LEASE_SECONDS),
  )
}

function settle(message: ClaimedMessage, settlement: Settlement): Promise<Settled> {
  return inTransaction(pool, 'settle', (connection) => settleMessage(connection, message, settlement))
}

async function claimOne(id: Id): Promise<ClaimedMessage> {
  return (await claim(id))[0] ?? expect.fail('it was not claimed')
}

async function take(): Promise<string[]> {
  const { ids } = await inTransaction(pool, 'take', (connection) =>
    takeDueHeads(connection, LARAVEL_TOPIC, 100, 10),
  )
  return ids.map((id) => id.toString('hex')).sort()
}

function three(ids: readonly Id[]): [Id, Id, Id] {
  const [a, b, c] = ids
  if (!a || !b || !c) return expect.fail('three were wanted')
  return [a, b, c]
}

describe('the turn', () => {
  it('is of the oldest unfinished message of a key, of one at a time', async () => {
    const [first, second, third] = three(await addMessages(pool, 'trip', 3))
    expect((await claim(third, second)).length).toBe(0)
    const claims = await claim(first, second, third)
    expect(claims.map(({ id }) => id)).toEqual([first])
    expect(await claim(first, second, third), 'in flight').toEqual([])
    expect(await settle(claims[0] as ClaimedMessage, DONE)).toEqual({ isOurs: true, next: second })
    expect(Number((await messageRow(pool, second)).look_in), 'woken in MySQL too').toBeLessThanOrEqual(0)
    expect((await claim(second, third)).map(({ id }) => id)).toEqual([second])
    expect(await fatesOf(pool, 'trip')).toEqual(['1 done', '2 sending', '3 pending'])
  })

  it('is taken by one of many who ask at once, for every key', async () => {
    const keys = Array.from({ length: 20 }, (_, index) => `trip-${index}`)
    const ids = (await Promise.all(keys.map((key) => addMessages(pool, key, 2)))).flat()
    const claims = (await Promise.all(Array.from({ length: 6 }, () => claim(...ids)))).flat()
    expect(claims.map(({ orderingKey }) => orderingKey).sort()).toEqual([...keys].sort())
    expect(claims.every(({ payload }) => JSON.parse(payload).n === 1)).toBe(true)
  })

  it('goes by the order of adding, whatever the clocks of the hosts say', async () => {
    const [late] = await addMessages(pool, 'trip', 1, 1)
    const [early] = await addMessages(pool, 'trip', 1, 2)
    if (!late || !early) return expect.fail()
    // The second one's host is an hour behind, and its transaction read the time before it waited for the payment.
    const behind = Buffer.alloc(16, 1)
    await pool.query('UPDATE outbox SET id = ?, created_at = created_at - INTERVAL 1 HOUR WHERE id = ?', [
      behind,
      early,
    ])
    expect((await claim(behind, late)).map(({ id }) => id)).toEqual([late])
  })

  it('numbers what one transaction adds as it stands there, and names the first of each key', async () => {
    const ids = await addTogether(pool, [
      { orderingKey: 'a', n: 1 },
      { orderingKey: 'b', n: 1 },
      { orderingKey: 'a', n: 2 },
    ])
    expect(ids).toHaveLength(2)
    expect(await fatesOf(pool, 'a')).toEqual(['1 pending', '2 pending'])
    expect((await claim(...ids)).map(({ orderingKey, payload }) => orderingKey + payload)).toEqual([
      'a{"n":1}',
      'b{"n":1}',
    ])
  })

  it('is kept by a message that is tried again: nothing overtakes it', async () => {
    const [first, second] = await addMessages(pool, 'trip', 2)
    if (!first || !second) return expect.fail()
    expect(await settle(await claimOne(first), RETRY)).toEqual({ isOurs: true, next: null })
    await makeDue(pool, second)
    expect(await claim(first, second), 'the back-off of the first').toEqual([])
    expect(Number((await messageRow(pool, first)).claimable_in)).toBeCloseTo(60, -1)
    await makeDue(pool, first)
    expect(await claimOne(first)).toMatchObject({ attempt: 2, fence: 2 })
  })

  it('passes on when a message is dead, and its reason stays', async () => {
    const [first, second] = await addMessages(pool, 'trip', 2)
    if (!first || !second) return expect.fail()
    expect(await settle(await claimOne(first), DEAD)).toEqual({ isOurs: true, next: second })
    expect(await fatesOf(pool, 'trip')).toEqual(['1 dead rejected', '2 pending'])
    expect(await messageRow(pool, first)).toMatchObject({ response_status: 422, last_error: 'answered 422' })
    await claimOne(second)
  })

  it('is not taken by a message that came back while a later one is in flight', async () => {
    const [first, second] = await addMessages(pool, 'trip', 2)
    if (!first || !second) return expect.fail()
    await settle(await claimOne(first), DEAD)
    const inFlight = await claimOne(second)
    await pool.query("UPDATE outbox SET state = 'pending', next_at = UTC_TIMESTAMP(3) WHERE id = ?", [first])
    expect(await claim(first)).toEqual([])
    expect(await settle(inFlight, DONE), 'its end wakes the one that came back').toEqual({
      isOurs: true,
      next: first,
    })
    await claimOne(first)
  })
})

describe('the lease', () => {
  it('ends by the clock of the database, and then the message may be claimed by anybody', async () => {
    const [id] = await addMessages(pool, 'trip', 1)
    if (!id) return expect.fail()
    await claimOne(id)
    const row = await messageRow(pool, id)
    expect(Number(row.claimable_in)).toBeGreaterThan(LEASE_SECONDS - 10)
    expect(Number(row.claimable_in)).toBeLessThanOrEqual(LEASE_SECONDS)
    expect(row.look_in).toBe(row.claimable_in)
    await makeDue(pool, id)
    expect(await take(), 'the sweeper finds it').toEqual([id.toString('hex')])
    expect(await claimOne(id)).toMatchObject({ attempt: 2, fence: 2 })
  })

  it.each([DONE, DEAD, RETRY, { kind: 'released' } as const])(
    'writes no result of a claim that is not the last one: $kind',
    async (settlement) => {
      const [id, next] = await addMessages(pool, 'trip', 2)
      if (!id || !next) return expect.fail()
      const former = await claimOne(id)
      await makeDue(pool, id)
      const latter = await claimOne(id)
      expect(await settle(former, settlement)).toEqual({ isOurs: false, next: null })
      expect(await fatesOf(pool, 'trip')).toEqual(['1 sending', '2 pending'])
      expect(await claim(next), 'the turn is still taken').toEqual([])
      expect(await settle(latter, DONE)).toEqual({ isOurs: true, next })
    },
  )

  it('is given back by who did not send: no attempt, and due at once', async () => {
    const [id] = await addMessages(pool, 'trip', 1)
    if (!id) return expect.fail()
    expect(await settle(await claimOne(id), { kind: 'released' })).toEqual({ isOurs: true, next: id })
    expect(await claimOne(id)).toMatchObject({ attempt: 1, fence: 2 })
  })
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
})

it('keeps no turn of a message that has ended', async () => {
  const ids = await addMessages(pool, 'trip', 3)
  for (const [index, id] of ids.entries())
    await settle(await claimOne(id), [DONE, DEAD, RETRY][index] ?? DONE)
  expect(await countOf(pool, 'outbox_turns')).toBe(0)
})
