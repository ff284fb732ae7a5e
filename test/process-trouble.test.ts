import { afterAll, beforeAll, expect, it } from 'vitest'
import { openPool, type Pool } from '../db/pools.ts'
import { idToText } from '../src/base/ids.ts'
import { reopenEvents } from '../src/webhooks/event-store.ts'
import { eventRow, expectBooksAgree, fateOf, fatesOf, standingOf } from './support/books.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { eventOf, expected, type FactShape, Processing, store } from './support/processing.ts'

let database: TestDatabase
/** Waits for a lock as short as the server can. */
let impatient: Pool
let here: Processing

beforeAll(async () => {
  database = await testDatabase('process-trouble')
  impatient = openPool(database.address, { connectionLimit: 4, lockWaitSeconds: 1 })
  here = new Processing(database, { pool: impatient, callbacks: true })
})
afterAll(async () => {
  await expectBooksAgree(database.pool)
  await here?.close()
  await impatient?.end()
  await database?.drop()
})

/** The stored capture of a registered payment of 10,000 piastres. */
async function storedCapture(shape: FactShape = {}) {
  const { merchantRef, ...payment } = expected({ tripId: '01939e5c-3333-7333-8333-333333333333' })
  await here.register({ merchantRef, ...payment })
  const event = eventOf({ merchantRef, ...shape })
  await store(here.pool, event)
  return { event, merchantRef }
}

/** Two rounds of six lock waits of a second each. */
const LOCK_WAITS = { timeout: 60_000 }

it(
  'a payment that somebody holds keeps no other of its batch waiting, and counts as no failure',
  LOCK_WAITS,
  async () => {
    const [held, free] = [await storedCapture(), await storedCapture()]
    const holder = await database.pool.getConnection()
    try {
      await holder.query('START TRANSACTION')
      await holder.query('SELECT id FROM payments WHERE merchant_ref = ? FOR UPDATE', [held.merchantRef])
      await here.processor.process([held.event.id, free.event.id])
      expect(await fatesOf(database.pool, held.event, free.event)).toEqual(['received', 'processed/applied'])
      expect(await eventRow(database.pool, held.event)).toMatchObject({ attempts: 0, last_error: null })
    } finally {
      await holder.query('ROLLBACK')
      holder.release()
    }
    await here.processor.process([held.event.id])
    expect(await standingOf(database.pool, held.merchantRef)).toBe('captured 10000 v1')
  },
)

it.each([1, 2])(
  'trouble of the server is thrown and counts as no failure, with a batch of %i',
  async (size) => {
    const captures = await Promise.all(Array.from({ length: size }, () => storedCapture()))
    const ids = captures.map(({ event }) => event.id)
    await database.pool.query('RENAME TABLE outbox TO outbox_away')
    try {
      await expect(here.processor.process(ids)).rejects.toMatchObject({ errno: 1146 })
    } finally {
      await database.pool.query('RENAME TABLE outbox_away TO outbox')
    }
    for (const { event } of captures)
      expect(await eventRow(database.pool, event)).toMatchObject({ state: 'received', attempts: 0 })
    await here.processor.process(ids)
    for (const { merchantRef } of captures)
      expect(await standingOf(database.pool, merchantRef)).toBe('captured 10000 v1')
  },
)

it('a release stands for the trust and not for the amount, until the amount is what it is asked for', async () => {
  const { event, merchantRef } = await storedCapture({ confirmFirst: true, amountMinor: 100n })
  await here.processor.process([event.id])
  expect(await fateOf(database.pool, event)).toBe('unconfirmed/confirmation_needed')
  await reopenEvents(database.pool, [event.id], ['unconfirmed'], true)
  await here.processor.process([event.id])
  expect(await fateOf(database.pool, event)).toBe('quarantined/amount_mismatch')
  expect(await standingOf(database.pool, merchantRef)).toBe('created 0 v0')
  await reopenEvents(database.pool, [event.id], ['quarantined'], true)
  await here.processor.process([event.id])
  expect(await fateOf(database.pool, event)).toBe('processed/applied')
  expect(await standingOf(database.pool, merchantRef)).toBe('captured 100 v1')
})

it('a quarantined event rings the alarm with what is needed to find it', async () => {
  const { event } = await storedCapture({ amountMinor: 9_999n })
  here.lines.length = 0
  await here.processor.process([event.id])
  expect(here.lines).toMatchObject([
    {
      level: 'error',
      msg: expect.stringContaining('ALARM'),
      eventId: idToText(event.id),
      requestId: 'req-1',
      reason: 'amount_mismatch',
    },
  ])
})
