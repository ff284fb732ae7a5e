import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type CommandPool, openCommandPool, type Pool } from '../db/pools.ts'
import { appendToFeed } from '../src/feed/append.ts'
import { Greeter } from '../src/realtime/greeting.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { append, feedMessage } from './support/feed.ts'
import { payment } from './support/greetings.ts'
import { createdTrip, inTx } from './support/trips.ts'

let database: TestDatabase
let pool: Pool
let commands: CommandPool
let greeter: Greeter

beforeAll(async () => {
  database = await testDatabase('greeting-moment')
  pool = database.pool
  commands = openCommandPool(database.address, 4)
  greeter = new Greeter({ pool: commands })
})
afterAll(async () => {
  await commands?.end()
  await database?.drop()
})

const customer = (userId: string) => ({ userId, userType: 'customer' as const })
const driver = (userId: string) => ({ userId, userType: 'driver' as const })

it('is what head, trip and payments are of, while a writer changes all of them in one transaction', async () => {
  const [riderId, driverId] = [randomUUID(), randomUUID()]
  const { id: tripId } = await createdTrip(pool, { customerId: riderId })
  await pool.query("UPDATE trip_requests SET driver_id = ?, current_status = 'ongoing' WHERE id = ?", [
    driverId,
    tripId,
  ])
  const id = await payment(pool, { tripId, customerId: riderId, driverId, expectedMinor: 1 })
  const write = (n: number) =>
    inTx(pool, async (connection) => {
      await connection.query('UPDATE payments SET expected_minor = ? WHERE id = ?', [n, id])
      await connection.query('UPDATE trip_details SET estimated_fare_minor = ? WHERE trip_id = ?', [
        n,
        tripId,
      ])
      await appendToFeed(connection, [feedMessage(riderId, n), feedMessage(driverId, n)])
    })
  await write(1)
  let isWriting = true
  const writer = (async () => {
    for (let n = 2; n <= 300; n += 1) await write(n)
    isWriting = false
  })()
  const seen = new Set<number>()
  while (isWriting) {
    const greetings = await Promise.all([greeter.read(customer(riderId)), greeter.read(driver(driverId))])
    for (const { head, snapshot } of greetings) {
      expect([snapshot.trip?.estimatedFareMinor, snapshot.payments[0]?.amountMinor]).toEqual([head, head])
      seen.add(head)
    }
  }
  await writer
  expect(seen.size).toBeGreaterThan(10)
})

it('waits for nobody who holds locks', async () => {
  const riderId = randomUUID()
  await createdTrip(pool, { customerId: riderId })
  await append(pool, feedMessage(riderId))
  await inTx(pool, async (connection) => {
    await connection.query('SELECT * FROM trip_requests WHERE customer_id = ? FOR UPDATE', [riderId])
    await appendToFeed(connection, [feedMessage(riderId)])
    expect(await greeter.read(customer(riderId))).toMatchObject({ head: 1 })
  })
})
