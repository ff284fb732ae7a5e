import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openRedis, type Redis } from '../db/redis.ts'
import { idToText } from '../src/base/ids.ts'
import { GeoIndex } from '../src/matching/drivers/geo-index.ts'
import { POOL_TEMPO } from '../src/matching/drivers/pool-tempo.ts'
import { openApp, type TestApp } from './support/app.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { at, near, WORK } from './support/driver-pools.ts'
import { JWT_SECRET, openSocket, type TestSocket } from './support/socket.ts'
import { createdTrip, offer } from './support/trips.ts'

const SOON = { timeout: 10_000, interval: 20 }

describe('drivers of two processes', () => {
  let database: TestDatabase
  let redis: Redis
  let index: GeoIndex
  const apps: TestApp[] = []
  const sockets: TestSocket[] = []

  beforeAll(async () => {
    database = await testDatabase('driver-pool-service')
    const realtime = { jwtSecrets: [JWT_SECRET], allowedOrigins: [] }
    apps.push(await openApp(database, { realtime }), await openApp(database, { realtime }))
    redis = openRedis(database.redis, 'worker', () => undefined)
    const installation = database.address.database
    index = new GeoIndex({ writes: redis, reads: redis, installation, tempo: POOL_TEMPO })
  })
  afterAll(async () => {
    for (const { ws } of sockets) ws.terminate()
    await Promise.all(apps.map((app) => app.stop()))
    redis?.disconnect()
    await database?.drop()
  })

  const found = async () => (await index.search(near({ limit: 50 }))).map(({ driverId }) => driverId)
  async function connect(
    app: TestApp | undefined,
    userId: string,
    userType: 'driver' | 'customer' = 'driver',
  ) {
    const socket = await openSocket(app?.url ?? '', userId, { userType })
    sockets.push(socket)
    return socket
  }
  const online = (driver: TestSocket, position = at(100), id = randomUUID()) =>
    driver.ask(id, 'driver:online', { ...WORK, ...position })

  it('are found from driver:online to driver:offline, and where they said last', async () => {
    const id = randomUUID()
    const driver = await connect(apps[0], id)
    expect(await found()).not.toContain(id)
    await online(driver)
    await expect.poll(found, SOON).toContain(id)
    driver.send({ event: 'driver:location', data: at(300) })
    const metres = async () =>
      (await index.search(near())).find(({ driverId }) => driverId === id)?.straightMeters ?? 0
    await expect.poll(metres, SOON).toBeGreaterThan(290)
    await driver.ask('off', 'driver:offline')
    await expect.poll(found, SOON).not.toContain(id)
    driver.send({ event: 'driver:location', data: at(100) })
    await driver.ask('p', 'ping')
    await new Promise((resolve) => setTimeout(resolve, 700))
    expect(await found()).not.toContain(id)
  })

  it('are where they said as they came online, whatever they had said before', async () => {
    const id = randomUUID()
    const driver = await connect(apps[0], id)
    await online(driver)
    driver.send({ event: 'driver:location', data: at(300) })
    const metres = async () =>
      (await index.search(near({ limit: 50 }))).find(({ driverId }) => driverId === id)?.straightMeters ?? 0
    await expect.poll(metres, SOON).toBeGreaterThan(290)
    await driver.ask('off', 'driver:offline')
    await expect.poll(found, SOON).not.toContain(id)
    await online(driver, at(600))
    await expect.poll(metres, SOON).toBeGreaterThan(590)
    await driver.close()
  })

  it('vanish with their sockets, and are back when they come back within the grace, on another process', async () => {
    const id = randomUUID()
    const first = await connect(apps[0], id)
    await online(first)
    await expect.poll(found, SOON).toContain(id)
    first.ws.terminate()
    await expect.poll(found, SOON).not.toContain(id)
    const second = await connect(apps[1], id)
    second.send({ event: 'driver:location', data: at(200) })
    await expect.poll(found, SOON).toContain(id)
    await second.close()
  })

  it('stay while a newer socket on another process replaces the older one', async () => {
    const id = randomUUID()
    const first = await connect(apps[0], id)
    await online(first)
    await expect.poll(found, SOON).toContain(id)
    const second = await connect(apps[1], id)
    second.send({ event: 'driver:location', data: at(200) })
    expect((await first.over).code).toBe(4409)
    await expect.poll(found, SOON).toContain(id)
    for (let n = 0; n < 10; n += 1) {
      await new Promise((resolve) => setTimeout(resolve, 150))
      expect(await found()).toContain(id)
    }
    await second.close()
  })

  it('who say nothing are asked for a sign of life, and stay', async () => {
    const id = randomUUID()
    const driver = await connect(apps[0], id)
    let pings = 0
    driver.ws.on('ping', () => {
      pings += 1
    })
    await online(driver)
    await expect.poll(found, SOON).toContain(id)
    const endMs = performance.now() + 13_000
    while (performance.now() < endMs) {
      expect(await found()).toContain(id)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    expect(pings).toBeGreaterThanOrEqual(2)
    await driver.close()
  })

  it('leave with the ride that they take, whose rider follows them with distance and time, and come back after it', async () => {
    const [riderId, driverId] = [randomUUID(), randomUUID()]
    const { id: rideId } = await createdTrip(database.pool, { customerId: riderId, category: WORK.category })
    const offerId = idToText(await offer(database.pool, rideId, driverId))
    const [rider, driver] = [await connect(apps[0], riderId, 'customer'), await connect(apps[1], driverId)]
    await online(driver)
    await expect.poll(found, SOON).toContain(driverId)
    await driver.ask('a', 'driver:accept:ride', { rideId, offerId })
    await expect.poll(found, SOON).not.toContain(driverId)
    await rider.ask('s', 'customer:subscribe:ride', { rideId })
    const first = await rider.event('driver:location:update')
    expect(first.data).toMatchObject({ rideId, driverId, distanceMeters: expect.any(Number) })
    const from = rider.frames.length
    driver.send({ event: 'driver:location', data: { ...at(1_000), speed: 5 } })
    const { data } = await rider.event('driver:location:update', from)
    expect(data).toMatchObject({ rideId, driverId, location: { ...at(1_000), speed: 5, heading: null } })
    expect(data?.ageMs).toBeLessThan(5_000)
    // The pickup is the centre of the map.
    expect(data?.distanceMeters).toBeGreaterThan(1_250)
    expect(data?.distanceMeters).toBeLessThan(1_350)
    driver.send({ id: '2', event: 'driver:arrived', data: { rideId } })
    const { otp } = (await rider.event('ride:driver_details')).data ?? {}
    await driver.ask('3', 'ride:start', { rideId, otp })
    await driver.ask('4', 'ride:complete', { rideId })
    await expect.poll(found, SOON).toContain(driverId)
    await driver.close()
  })
})
