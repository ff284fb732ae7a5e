import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { idToText } from '../src/base/ids.ts'
import { openApp, type TestApp } from './support/app.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { append, feedMessage } from './support/feed.ts'
import { JWT_SECRET, openSocket, type TestSocket } from './support/socket.ts'
import { signToken } from './support/tokens.ts'
import { createdTrip, offer } from './support/trips.ts'

const HERE = { latitude: 30.0444, longitude: 31.2357 }

let database: TestDatabase
let app: TestApp
let other: TestApp
const open: TestSocket[] = []

beforeAll(async () => {
  database = await testDatabase('realtime-commands')
  const realtime = { jwtSecrets: [JWT_SECRET], allowedOrigins: [] }
  app = await openApp(database, { realtime })
  other = await openApp(database, { realtime })
})
afterAll(async () => {
  for (const { ws } of open) ws.terminate()
  await Promise.all([app?.stop(), other?.stop()])
  await database?.drop()
})

async function connect(...args: Parameters<typeof openSocket>): Promise<TestSocket> {
  const socket = await openSocket(...args)
  open.push(socket)
  return socket
}

it('a ride goes from the offer to its end over two processes, by the commands of its driver, before its rider’s eyes', async () => {
  const [riderId, driverId] = [randomUUID(), randomUUID()]
  const { id: rideId } = await createdTrip(database.pool, { customerId: riderId })
  const offerId = idToText(await offer(database.pool, rideId, driverId))
  const rider = await connect(app.url, riderId)
  expect(rider.frames[0]?.data?.snapshot).toMatchObject({ trip: { rideId, state: 'pending' } })
  const driver = await connect(other.url, driverId, { userType: 'driver' })
  expect(driver.frames[0]?.data?.snapshot).toMatchObject({ offers: [{ rideId, offerId }] })
  expect(await driver.ask('1', 'driver:accept:ride', { rideId, offerId })).toMatchObject({
    ok: true,
    data: { rideId, driverId, state: 'accepted' },
  })
  await driver.event('ride:accept:success')
  expect(await rider.event('ride:driver_assigned')).toMatchObject({ seq: 1, data: { rideId, driverId } })
  const { otp } = (await rider.event('ride:driver_details')).data ?? {}
  expect(otp).toMatch(/^\d{4}$/)
  expect(await rider.ask('1', 'customer:subscribe:ride', { rideId })).toMatchObject({ ok: true })
  driver.send({ event: 'driver:location', data: { ...HERE, speed: 7 } })
  expect((await rider.event('driver:location:update')).data).toMatchObject({
    ...{ rideId, driverId, location: { ...HERE, speed: 7, heading: null } },
  })
  driver.send({ id: '2', event: 'driver:arrived', data: { rideId } })
  driver.send({ id: '3', event: 'ride:start', data: { rideId, otp } })
  driver.send({ id: '4', event: 'ride:complete', data: { rideId } })
  expect(await rider.event('ride:completed')).toMatchObject({ seq: 5 })
  expect(rider.seqs).toEqual([1, 2, 3, 4, 5])
  expect(driver.seqs).toEqual([1, 2, 3, 4])
  await driver.event('trip:arrival:confirmed')
  expect(driver.frames.flatMap(({ re, ok }) => (re === undefined ? [] : [[re, ok]]))).toEqual([
    ...[1, 2, 3, 4].map((n) => [String(n), true]),
  ])
})

it('what is acknowledged is known to the next connection, on whichever process, and what is asked for again comes again', async () => {
  const userId = randomUUID()
  await append(database.pool, ...[1, 2, 3].map((n) => feedMessage(userId, n)))
  const socket = await connect(app.url, userId, { since: 0 })
  await socket.seq(3)
  expect(await socket.ask('1', 'feed:ack', { seq: 2 })).toMatchObject({ ok: true })
  await socket.ask('2', 'feed:resume', { since: 1 })
  await socket.until(({ seq }) => seq === 3, socket.frames.findLastIndex(({ seq }) => seq === 3) + 1)
  expect(socket.seqs).toEqual([1, 2, 3, 2, 3])
  await socket.close()
  for (let acked = 0; acked !== 2; ) {
    const again = await connect(other.url, userId)
    acked = Number(again.frames[0]?.data?.acked)
    await again.close()
  }
})

it('a token that is renewed in band keeps the connection, and five frames that are none end it with 4400', async () => {
  const userId = randomUUID()
  const socket = await connect(app.url, userId)
  const exp = Math.floor(Date.now() / 1_000) + 7_200
  const token = signToken({ secret: JWT_SECRET, claims: { sub: userId, user_type: 'customer', exp } })
  expect(await socket.ask('1', 'auth:refresh', { token })).toMatchObject({ data: { expiresAt: exp * 1_000 } })
  socket.send({ event: 'ping', data: {} })
  await socket.event('pong')
  for (let n = 0; n < 5; n += 1) socket.send('{"event":7}')
  expect((await socket.over).code).toBe(4400)
  expect(socket.frames.filter(({ re }) => re === null)).toHaveLength(5)
})
