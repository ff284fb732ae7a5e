import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openPool, type Pool } from '../db/pools.ts'
import { inTransaction } from '../db/transaction.ts'
import { within } from '../src/base/within.ts'
import type { ClaimedMessage, Settlement } from '../src/outbox/message.ts'
import { reopenMessages } from '../src/outbox/operate-store.ts'
import { settleMessage } from '../src/outbox/settlement-store.ts'
import { countOf } from './support/books.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { waitForLockWait } from './support/locks.ts'
import {
  addMessages,
  addTogether,
  DEAD,
  DONE,
  fatesOf,
  LEASE_SECONDS,
  makeDue,
  messageRow,
  type OutboxHands,
  outboxHands,
  RETRY,
  three,
} from './support/outbox.ts'

let database: TestDatabase
let pool: Pool
let hands: OutboxHands
const claim: OutboxHands['claim'] = (...ids) => hands.claim(...ids)
const claimOne: OutboxHands['claimOne'] = (id) => hands.claimOne(id)
const settle: OutboxHands['settle'] = (message, settlement) => hands.settle(message, settlement)
const take: OutboxHands['take'] = () => hands.take()

beforeAll(async () => {
  database = await testDatabase('outbox')
  pool = database.pool
  hands = outboxHands(pool)
})
afterAll(() => database?.drop())
beforeEach(async () => {
  await pool.query('DELETE FROM outbox')
  await pool.query('DELETE FROM outbox_turns')
})

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

describe('a message that came back while a later one is in flight', () => {
  it('leaves the turn to that one when its process dies, and comes after it', async () => {
    const [first, second] = await addMessages(pool, 'trip', 2)
    if (!first || !second) return expect.fail()
    await settle(await claimOne(first), DEAD)
    await claimOne(second)
    await inTransaction(pool, 'replay', (connection) => reopenMessages(connection, [first]))
    expect(await claim(first, second), 'the lease of the second').toEqual([])
    await makeDue(pool, first, second)
    expect(await take(), 'the sweeper finds it').toContain(second.toString('hex'))
    const [again] = await claim(first, second)
    expect(again).toMatchObject({ id: second, fence: 2 })
    expect(await settle(again as ClaimedMessage, DONE)).toEqual({ isOurs: true, next: first })
    expect(await settle(await claimOne(first), DONE)).toEqual({ isOurs: true, next: null })
  })
})

describe('a message that is added while the one before it ends', () => {
  it('is woken, although neither of the two transactions sees the other', async () => {
    const [first] = await addMessages(pool, 'trip', 1)
    if (!first) return expect.fail()
    const claimed = await claimOne(first)
    // The end of the first has looked for the next and found none; then it waits for its turn's row, which is locked here.
    const blocker = await pool.getConnection()
    await blocker.query('START TRANSACTION')
    await blocker.query('SELECT * FROM outbox_turns FOR UPDATE')
    const settled = settle(claimed, DONE)
    await waitForLockWait(database.address, 'DELETE FROM outbox_turns')
    const [second] = await addMessages(pool, 'trip', 1, 2)
    if (!second) return expect.fail()
    expect(await claim(second), 'the first is still in flight, as far as anybody can see').toEqual([])
    await blocker.query('COMMIT')
    blocker.release()
    expect(await settled).toEqual({ isOurs: true, next: second })
    expect(Number((await messageRow(pool, second)).look_in), 'and MySQL knows').toBeLessThanOrEqual(0)
    await claimOne(second)
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

  it('of a probe that found nobody costs no attempt and keeps what was learnt', async () => {
    const [id, next] = await addMessages(pool, 'trip', 2)
    if (!id || !next) return expect.fail()
    const away: Settlement = { kind: 'away', delayMs: 0, status: 503, error: 'answered 503' }
    expect(await settle(await claimOne(id), away)).toMatchObject({ isOurs: true })
    expect(await messageRow(pool, id)).toMatchObject({ attempts: 0, last_error: 'answered 503' })
    expect(await claim(next), 'nothing overtakes it').toEqual([])
    expect(await settle(await claimOne(id), { ...away, delayMs: 60_000 })).toMatchObject({ next: null })
    expect(Number((await messageRow(pool, id)).claimable_in), 'as long as it asked').toBeCloseTo(60, -1)
  })

  it('is given back by who did not send: no attempt, and due at once', async () => {
    const [id] = await addMessages(pool, 'trip', 1)
    if (!id) return expect.fail()
    expect(await settle(await claimOne(id), { kind: 'released' })).toEqual({ isOurs: true, next: id })
    expect(await claimOne(id)).toMatchObject({ attempt: 1, fence: 2 })
  })
})

it('settles in bounded time though the look after the commit gets no connection', async () => {
  const [id] = await addMessages(pool, 'trip', 1)
  const claimed = await claimOne(id ?? expect.fail())
  const narrow = openPool(database.address, { connectionLimit: 1, lockWaitSeconds: 1 })
  const settled = settleMessage(narrow, claimed, DONE)
  // Its own transaction came first; whoever asked for the connection here has it before the look.
  const held = await narrow.getConnection()
  expect(await fatesOf(pool, 'trip')).toEqual(['1 done'])
  expect(await within(10_000, settled)).toEqual({ isOurs: true, next: null })
  held.release()
  await narrow.end()
})

it('keeps no turn of a message that has ended', async () => {
  const ids = await addMessages(pool, 'trip', 3)
  for (const [index, id] of ids.entries())
    await settle(await claimOne(id), [DONE, DEAD, RETRY][index] ?? DONE)
  expect(await countOf(pool, 'outbox_turns')).toBe(0)
})
