import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { RowDataPacket } from '../db/rows.ts'
import { openApp, type TestApp } from './support/app.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { callInternal } from './support/internal-api.ts'
import { createdTrip, offer } from './support/trips.ts'

let database: TestDatabase
let app: TestApp

beforeAll(async () => {
  database = await testDatabase('internal-trip-moment')
  app = await openApp(database)
})
afterAll(async () => {
  await app?.stop()
  await database?.drop()
})

/** The servers tell nobody who waits for a table, so they are asked. */
async function untilSomebodyWaitsForATable(): Promise<void> {
  for (;;) {
    const [processes] = await database.pool.query<RowDataPacket[]>('SHOW PROCESSLIST')
    if (processes.some(({ State }) => /metadata lock|table lock/i.test(State ?? ''))) return
    await pause(5)
  }
}

it('GET /internal/trips/:id shows a trip and its offers as they were at one moment', async () => {
  const { id } = await createdTrip(database.pool)
  await offer(database.pool, id, 'driver-1')
  const mover = await database.pool.getConnection()
  await mover.query('LOCK TABLES trip_offers WRITE')
  const asked = callInternal(app, 'GET', `/internal/trips/${id}`)
  await untilSomebodyWaitsForATable()
  await database.pool.query("UPDATE trip_requests SET current_status = 'cancelled' WHERE id = ?", [id])
  await mover.query("UPDATE trip_offers SET state = 'withdrawn' WHERE trip_id = ?", [id])
  await mover.query('UNLOCK TABLES')
  mover.release()
  const { json } = await asked
  expect([json.trip.status, json.offers.map(({ state }: { state: string }) => state)]).toEqual([
    'pending',
    ['offered'],
  ])
})
