import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CommandPool, openCommandPool } from '../db/pools.ts'
import type { RowDataPacket } from '../db/rows.ts'
import { manualClock } from '../src/base/clock.ts'
import type { Push } from '../src/feed/envelope.ts'
import type { NaturalHandler } from '../src/realtime/commands/command.ts'
import { DriverLocations } from '../src/realtime/commands/driver-location.ts'
import { openSessions } from '../src/realtime/presence/presence-store.ts'
import { RIDE_PUSHES } from '../src/realtime/protocol/ride-pushes.ts'
import { type OpenCommands, openCommands, StandInConnection } from './support/commands.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { createdTrip, inTx, laravelStores } from './support/trips.ts'

const HERE = { latitude: 30.0444, longitude: 31.2357, speed: 3.2, heading: 90, accuracy: 12 }

let database: TestDatabase
let pool: CommandPool
let open: OpenCommands

beforeAll(async () => {
  database = await testDatabase('ride-commands')
  pool = openCommandPool(database.address, 2)
  open = openCommands(database)
})
afterAll(async () => {
  await open?.close()
  await pool?.end()
  await database?.drop()
})

describe("another's ride", () => {
  it('is unknown to everybody else, in the words in which no ride is', async () => {
    const [riderId, driverId, rideId] = [randomUUID(), randomUUID(), randomUUID()]
    await laravelStores(database.pool, rideId, {
      ...{ customer_id: riderId, driver_id: driverId, current_status: 'accepted' },
    })
    const errors = new Set<string>()
    for (const [event, userType, userId] of [
      ['driver:arrived', 'driver', randomUUID()],
      ['driver:arrived', 'driver', riderId],
      ['ride:start', 'driver', randomUUID()],
      ['ride:complete', 'driver', randomUUID()],
      ['ride:cancel', 'driver', randomUUID()],
      ['ride:cancel', 'driver', riderId],
      ['ride:cancel', 'customer', randomUUID()],
      ['ride:cancel', 'customer', driverId],
      ['customer:subscribe:ride', 'customer', randomUUID()],
      ['customer:subscribe:ride', 'customer', driverId],
    ] as const) {
      const connection = new StandInConnection(userId, userType)
      for (const asked of [rideId, randomUUID()]) {
        const { reply } = await open.say(connection, event, { rideId: asked }, randomUUID())
        errors.add(JSON.stringify(reply?.error))
      }
      expect(connection.heard.size).toBe(0)
    }
    expect([...errors]).toEqual([
      JSON.stringify({ code: 'trip_unknown', message: 'There is no such trip.', retry: false }),
    ])
    const [rows] = await database.pool.query<RowDataPacket[]>(
      'SELECT current_status FROM trip_requests WHERE id = ?',
      [rideId],
    )
    expect(rows[0]?.current_status).toBe('accepted')
  })
})

describe('a rider', () => {
  it('follows his own rides, some at a time, and lets go of them', async () => {
    const rider = new StandInConnection(randomUUID(), 'customer')
    const rides = []
    for (let n = 0; n < 6; n += 1)
      rides.push((await createdTrip(database.pool, { customerId: rider.user.userId })).id)
    const codes = []
    for (const rideId of rides)
      codes.push((await open.say(rider, 'customer:subscribe:ride', { rideId })).reply?.error?.code ?? 'ok')
    expect(codes).toEqual(['ok', 'ok', 'ok', 'ok', 'ok', 'too_many_rides'])
    expect([...rider.heard]).toEqual(rides.slice(0, 5).map((id) => `ride:${id}`))
    await open.say(rider, 'customer:unsubscribe:ride', { rideId: rides[0] })
    expect((await open.say(rider, 'customer:subscribe:ride', { rideId: rides[5] })).reply?.ok).toBe(true)
    expect(rider.heard).not.toContain(`ride:${rides[0]}`)
  })

  it('may follow the same ride again, however many he follows', async () => {
    const rider = new StandInConnection(randomUUID(), 'customer')
    const { id: rideId } = await createdTrip(database.pool, { customerId: rider.user.userId })
    for (let n = 0; n < 4; n += 1) rider.heard.add(`ride:${n}`)
    for (let n = 0; n < 3; n += 1)
      expect((await open.say(rider, 'customer:subscribe:ride', { rideId })).reply?.ok).toBe(true)
    expect(rider.heard.size).toBe(5)
  })
})

describe('driver:location', () => {
  /** A driver's positions, against a clock that stands still, with all that was published and how often MySQL was asked. */
  function tracked(driverId: string) {
    const clock = manualClock(1_763_900_000_000)
    const pushes: Push[] = []
    let asked = 0
    const counting = {
      getConnection: () => {
        asked += 1
        return pool.getConnection()
      },
    } as unknown as CommandPool
    const locations = new DriverLocations({
      pool: counting,
      clock,
      publish: async (some) => void pushes.push(...some),
    })
    const handler = locations.handlers['driver:location'] as NaturalHandler<'driver:location'>
    const connection = new StandInConnection(driverId, 'driver')
    const sender = { connection, user: connection.user, traceId: 'test' }
    const tell = (latitude = 30.0444) => handler.handle(sender, { ...HERE, latitude })
    return { clock, pushes, tell, asked: () => asked }
  }

  async function rideOf(driverId: string): Promise<string> {
    const rideId = randomUUID()
    const row = { customer_id: randomUUID(), driver_id: driverId, current_status: 'ongoing' }
    await laravelStores(database.pool, rideId, row)
    return rideId
  }

  it('goes to whoever follows the driver’s ride, the latest of him alone', async () => {
    const driverId = randomUUID()
    const rideId = await rideOf(driverId)
    const { tell, pushes } = tracked(driverId)
    expect(await tell()).toEqual({ ok: true, data: {} })
    expect(pushes).toEqual([
      {
        rideId,
        latestOf: driverId,
        event: 'driver:location:update',
        data: {
          ...{ rideId, driverId, timestamp: 1_763_900_000_000 },
          location: { latitude: 30.0444, longitude: 31.2357, speed: 3.2, heading: 90 },
        },
      },
    ])
    const [push] = pushes
    expect(
      RIDE_PUSHES['driver:location:update'].data.safeParse(push && 'data' in push && push.data).success,
    ).toBe(true)
  })

  it('counts once a second; what comes sooner is passed over, and is no error', async () => {
    const driverId = randomUUID()
    await rideOf(driverId)
    const { tell, pushes, clock } = tracked(driverId)
    for (const latitude of [1, 2, 3]) expect(await tell(latitude)).toEqual({ ok: true, data: {} })
    clock.advance(999)
    await tell(4)
    clock.advance(1)
    await tell(5)
    expect(pushes.map((push) => 'data' in push && push.data.location)).toMatchObject([
      { latitude: 1 },
      { latitude: 5 },
    ])
  })

  it('asks MySQL for the ride once in five seconds, and sees within them that it has begun or ended', async () => {
    const driverId = randomUUID()
    const { tell, pushes, clock, asked } = tracked(driverId)
    const tellFor = async (seconds: number) => {
      for (let n = 0; n < seconds; n += 1) {
        await tell()
        clock.advance(1_000)
      }
    }
    await tellFor(2)
    expect(pushes).toEqual([])
    const rideId = await rideOf(driverId)
    await tellFor(4)
    expect(pushes.length).toBeGreaterThan(0)
    await database.pool.query("UPDATE trip_requests SET current_status = 'completed' WHERE id = ?", [rideId])
    await tellFor(5)
    const sent = pushes.length
    await tellFor(5)
    expect(pushes.length).toBe(sent)
    expect(asked()).toBeLessThanOrEqual(4)
  })
})

describe('a driver', () => {
  it('goes online and offline by his commands, with the pushes that apps know', async () => {
    const driver = new StandInConnection(randomUUID(), 'driver')
    const where = { latitude: 30, longitude: 31, category: 'car', zoneId: 'z' }
    expect((await open.say(driver, 'driver:online', where)).reply?.error?.code).toBe('not_connected')
    await connect(driver.user.userId)
    expect(await open.say(driver, 'driver:online', where)).toMatchObject({
      reply: { ok: true, data: { isOnline: true } },
      pushes: [{ event: 'driver:online:success', data: { isOnline: true } }],
    })
    expect(await duty(driver.user.userId)).toEqual({ is_online: '1', availability_status: 'available' })
    expect(await open.say(driver, 'driver:offline')).toMatchObject({
      reply: { ok: true, data: { isOnline: false } },
      pushes: [{ event: 'driver:offline:success', data: { isOnline: false } }],
    })
    expect(await duty(driver.user.userId)).toEqual({ is_online: '0', availability_status: 'unavailable' })
  })

  /** As his socket does. */
  function connect(driverId: string) {
    return inTx(database.pool, (connection) => openSessions(connection, 'node', new Map([[driverId, 1]])))
  }

  async function duty(driverId: string) {
    const [rows] = await database.pool.query<RowDataPacket[]>(
      'SELECT is_online, availability_status FROM driver_details WHERE user_id = ?',
      [driverId],
    )
    return { ...rows[0] }
  }
})
