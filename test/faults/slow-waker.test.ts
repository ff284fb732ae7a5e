import { afterAll, beforeAll, expect, it } from 'vitest'
import { unpark } from '../../src/webhooks/park.ts'
import { fateOf } from '../support/books.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { waitForLockWait } from '../support/locks.ts'
import { eventOf, expected, Processing, store } from '../support/processing.ts'

let database: TestDatabase
let processing: Processing

beforeAll(async () => {
  database = await testDatabase('slow-waker')
  processing = new Processing(database)
})
afterAll(async () => {
  await processing.close()
  await database.drop()
})

it('a slow waker does not sweep away what the event waits for by now', async () => {
  const shape = expected()
  const event = eventOf({ merchantRef: shape.merchantRef })
  await store(processing.pool, event)
  // The waker found the event parked; since then others woke it, and it is at work when the waker goes on.
  const holder = await database.pool.getConnection()
  await holder.query('START TRANSACTION')
  await holder.query(
    'INSERT INTO webhook_parked (ref_key, event_id, parked_at) VALUES (?, ?, UTC_TIMESTAMP(3))',
    [Buffer.alloc(32), event.id],
  )
  const woken = unpark(processing.pool, [event.id])
  await Promise.race([woken, waitForLockWait(database.address, 'DELETE FROM webhook_parked').catch(() => 0)])
  await processing.processor.process([event.id])
  expect(await fateOf(database.pool, event)).toBe('parked/payment_unknown')
  await holder.query('ROLLBACK')
  holder.release()
  await woken
  await processing.register(shape)
  await processing.drain()
  expect(await fateOf(database.pool, event)).toBe('processed/applied')
})
