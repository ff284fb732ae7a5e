import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Pool, PoolConnection } from '../db/pools.ts'
import { newId } from '../src/base/ids.ts'
import { gatewayRefKey, merchantRefKey } from '../src/payments/refs.ts'
import { findPaymentIds } from '../src/payments/store.ts'
import { readBacklog } from '../src/webhooks/backlog.ts'
import type { NewEvent } from '../src/webhooks/event.ts'
import { readClaims } from '../src/webhooks/event-insert.ts'
import { claimEvents, takeDueEvents } from '../src/webhooks/event-store.ts'
import { insertParked, wakeParked } from '../src/webhooks/park.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { keysOf } from './support/explain.ts'
import { eventOf, GATEWAY, store } from './support/processing.ts'

const ROWS = 3_000
const BATCH = 100
/** One event in so many still has work to do; the others are the history, which only grows. */
const OPEN_ONE_IN = 20
let database: TestDatabase
let events: NewEvent[]

beforeAll(async () => {
  database = await testDatabase('explain')
  events = Array.from({ length: ROWS }, (_, index) => eventOf({ merchantRef: `m-${index}` }))
  for (let start = 0; start < ROWS; start += BATCH)
    await store(database.pool, ...events.slice(start, start + BATCH))
  const done = events.filter((_, index) => index % OPEN_ONE_IN > 0).map(({ id }) => id)
  await database.pool.query(
    "UPDATE webhook_events SET state = 'processed', outcome = 'applied', next_at = NULL WHERE id IN (?)",
    [done],
  )
  await fillPayments()
  await fillWaitingRoom()
  await database.pool.query('ANALYZE TABLE webhook_events, payments, webhook_parked')
})
afterAll(() => database?.drop())

const few = (): NewEvent[] => events.slice(0, 50)

it('claiming a batch goes by the primary key', async () => {
  const ids = few().map(({ id }) => id)
  expect(await keysOf(database, (connection) => claimEvents(connection, ids))).toEqual([['PRIMARY']])
})

it('what is due goes by the index due', async () => {
  const [taken, ...others] = await keysOf(database, (connection) => takeDueEvents(connection, 2_000, 10))
  expect(taken).toEqual(['due'])
  expect(others).toEqual([])
})

it('the backlog goes by the index due, and by the primary key for the oldest alone', async () => {
  const [counts, ages] = await keysOf(database, (connection) => readBacklog(connection))
  expect(counts).toEqual(['due'])
  expect(new Set(ages)).toEqual(new Set(['due', 'PRIMARY']))
})

it('finding payments goes by their two reference indexes', async () => {
  const keys = few().map(({ fact }) => merchantRefKey(GATEWAY, 'default', fact?.merchantRef ?? ''))
  expect(await keysOf(database, (connection) => findPaymentIds(connection, keys))).toEqual([
    ['one_payment_per_merchant_ref', 'one_payment_per_gateway_ref'],
  ])
})

it('reading who holds a key goes by the index of keys', async () => {
  const keys = few().map(({ eventKey }) => eventKey)
  expect(await keysOf(database, (connection) => readClaims(connection, keys))).toEqual([
    ['one_event_per_key'],
  ])
})

it('waking who waits goes by the primary key of the waiting room', async () => {
  const keys = few().map(({ fact }) => merchantRefKey(GATEWAY, 'default', fact?.merchantRef ?? ''))
  const pool = { getConnection: async () => capturing } as unknown as Pool
  let capturing: PoolConnection | undefined
  const found = await keysOf(database, async (connection) => {
    capturing = connection
    await wakeParked(pool, keys)
  })
  expect(found).toEqual([['PRIMARY']])
})

async function fillPayments(): Promise<void> {
  const rows = events.map((_, index) => [
    newId(),
    GATEWAY,
    'default',
    `m-${index}`,
    merchantRefKey(GATEWAY, 'default', `m-${index}`),
    `g-${index}`,
    gatewayRefKey(GATEWAY, 'default', `g-${index}`),
    10_000,
    'EGP',
    'created',
    0,
    0,
    new Date(),
    new Date(),
  ])
  await database.pool.query(
    `INSERT INTO payments (id, gateway, account, merchant_ref, merchant_ref_key, gateway_ref, gateway_ref_key,
       expected_minor, currency, state, captured_minor, version, created_at, updated_at) VALUES ?`,
    [rows],
  )
}

async function fillWaitingRoom(): Promise<void> {
  const connection = await database.pool.getConnection()
  const parked = events.map(({ id }, index) => ({
    eventId: id,
    refKeys: [merchantRefKey(GATEWAY, 'default', `m-${index}`)],
    paymentId: null,
  }))
  await insertParked(connection, parked, new Date())
  connection.release()
}
