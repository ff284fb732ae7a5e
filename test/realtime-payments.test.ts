import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { registerPayment } from '../src/payments/register.ts'
import { openApp, type TestApp } from './support/app.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { JWT_SECRET, openSocket } from './support/socket.ts'

let database: TestDatabase
let node1: TestApp
let node2: TestApp

beforeAll(async () => {
  database = await testDatabase('realtime-payments')
  const realtime = { jwtSecrets: [JWT_SECRET], allowedOrigins: [] }
  node1 = await openApp(database, { realtime })
  node2 = await openApp(database, { realtime })
})

afterAll(async () => {
  await Promise.all([node1?.stop(), node2?.stop()])
  await database?.drop()
})

const RIDER = 'rider-1'
const DRIVER = 'driver-1'

async function expectPayment(merchantRef: string): Promise<void> {
  await registerPayment(
    database.pool,
    {
      gateway: 'kashier',
      account: 'default',
      merchantRef,
      gatewayRef: null,
      amountMinor: 10_000n,
      currency: 'EGP',
      tripId: null,
      customerId: RIDER,
      driverId: DRIVER,
    },
    async () => undefined,
  )
}

async function capture(merchantRef: string): Promise<void> {
  expect((await node1.post(node1.delivery('kashier', { merchantRef }))).status).toBe(200)
}

describe('a payment that is captured', () => {
  it('is seen by its rider and its driver, on whichever process, and by whoever was away, once', async () => {
    await expectPayment('R-1')
    const rider = await openSocket(node2.url, RIDER)
    const driver = await openSocket(node1.url, DRIVER, { userType: 'driver' })
    await capture('R-1')
    for (const socket of [rider, driver]) {
      await socket.event('payment:completed')
      expect(socket.frames.slice(1)).toEqual([
        { event: 'payment:updated', seq: 1, data: completed },
        { event: 'payment:completed', seq: 2, data: completed },
      ])
    }
    await rider.close()
    await expectPayment('R-2')
    await capture('R-2')
    await driver.seq(4)
    const again = await openSocket(node1.url, RIDER, { since: rider.seqs.at(-1) ?? 0 })
    await again.seq(4)
    expect(again.seqs).toEqual([3, 4])
    // Whoever keeps no number is right, too: the snapshot shows how things stand.
    const anew = await openSocket(node2.url, RIDER)
    const { head, snapshot } = anew.frames[0]?.data ?? {}
    expect(head).toBe(4)
    expect(snapshot).toMatchObject({ payments: [{ state: 'captured' }, { state: 'captured' }] })
    await Promise.all([again, anew, driver].map((socket) => socket.close()))
  })
})

const completed = {
  paymentId: expect.any(String),
  rideId: null,
  state: 'captured',
  amountMinor: 10_000,
  currency: 'EGP',
  at: expect.any(String),
}
