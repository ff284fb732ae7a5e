import { once } from 'node:events'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import type { Redis } from '../db/redis.ts'
import { rideChannel } from '../src/feed/publish.ts'
import { openApp, type TestApp } from './support/app.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { JWT_SECRET, openSocket, socketUrl, TestSocket } from './support/socket.ts'
import { openObserver, subscribedChannels } from './support/subscriptions.ts'
import { TcpProxy } from './support/tcp-proxy.ts'
import { createdTrip } from './support/trips.ts'

let database: TestDatabase
let mysql: TcpProxy
let app: TestApp
let observer: Redis

beforeAll(async () => {
  database = await testDatabase('realtime-gone')
  mysql = await TcpProxy.open(database.address)
  app = await openApp(
    {
      address: { ...database.address, host: '127.0.0.1', port: mysql.port },
      redis: database.redis,
    },
    { realtime: { jwtSecrets: [JWT_SECRET], allowedOrigins: [] } },
  )
  observer = openObserver(database.redis)
})

afterAll(async () => {
  await app?.stop()
  observer?.disconnect()
  await mysql?.close()
  await database?.drop()
})

const LONG = { timeout: 10_000, interval: 20 }

/** Resolves when the process has so many sockets. */
async function hasSockets(count: number): Promise<void> {
  const sum = async () => {
    const lines = await app.metrics('onceline_realtime_connections{')
    return lines.reduce((total, line) => total + Number(line.split(' ').at(-1)), 0)
  }
  await expect.poll(sum, LONG).toBe(count)
}

/** A driver's socket that is open, and not greeted yet. */
async function open(userId: string): Promise<TestSocket> {
  const socket = new TestSocket(new WebSocket(socketUrl(app.url, userId, { userType: 'driver' })))
  await once(socket.ws, 'open')
  return socket
}

it('a rider who goes away while it is looked whether the ride is his leaves nothing that listens', async () => {
  const { id: rideId } = await createdTrip(database.pool, { customerId: 'rider-1' })
  const socket = await openSocket(app.url, 'rider-1')
  mysql.freeze()
  socket.send({ id: '1', event: 'customer:subscribe:ride', data: { rideId } })
  await expect.poll(() => app.metrics('onceline_realtime_messages_received_total 1'), LONG).toHaveLength(1)
  socket.ws.terminate()
  await hasSockets(0)
  mysql.thaw()
  const answered = 'onceline_commands_total{event="customer:subscribe:ride"'
  await expect.poll(async () => (await app.metrics(answered)).length, LONG).toBe(1)
  expect(await subscribedChannels(observer)).not.toContain(rideChannel(database.address.database, rideId))
})

it('a driver whose newest socket goes before it has its fence is told by the older one, which got its own at the same moment', async () => {
  await (await openSocket(app.url, 'driver-1', { userType: 'driver' })).close()
  await hasSockets(0)
  const lock = await database.pool.getConnection()
  await lock.query('START TRANSACTION')
  await lock.query("SELECT 1 FROM driver_sessions WHERE user_id = 'driver-1' FOR UPDATE")
  const ahead = await open('driver-1')
  // While that one waits for its lock, these two wait together.
  const older = await open('driver-2')
  const newest = await open('driver-2')
  newest.ws.terminate()
  await hasSockets(2)
  await lock.query('ROLLBACK')
  lock.release()
  expect((await older.over).code).toBe(1012)
  await ahead.event('ready')
  await ahead.close()
})
