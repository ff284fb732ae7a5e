import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RowDataPacket } from '../db/rows.ts'
import { assertNever } from '../src/base/assert.ts'
import { manualClock } from '../src/base/clock.ts'
import type { Push } from '../src/feed/envelope.ts'
import { DEFAULT_RULES } from '../src/matching/dispatch/settings.ts'
import type { DriverPool } from '../src/matching/drivers/driver-pool.ts'
import type { Position } from '../src/matching/drivers/nearby.ts'
import type { ActiveRide } from '../src/matching/drivers/ride-store.ts'
import { RideTracker } from '../src/matching/drivers/ride-tracker.ts'
import { type RouteEstimator, straightLine } from '../src/matching/drivers/route-estimate.ts'
import type { NaturalHandler } from '../src/realtime/commands/command.ts'
import { DriverLocations } from '../src/realtime/commands/driver-location.ts'
import { RIDE_PUSHES } from '../src/realtime/protocol/ride-pushes.ts'
import { type OpenCommands, openCommands, StandInConnection } from './support/commands.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { createdTrip, laravelStores } from './support/trips.ts'

const HERE = { latitude: 30.0444, longitude: 31.2357, speed: 3.2, heading: 90, accuracy: 12 }

let database: TestDatabase
let open: OpenCommands

beforeAll(async () => {
  database = await testDatabase('ride-commands')
  open = openCommands(database)
})
afterAll(async () => {
  await open?.close()
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
  const PICKUP = { latitude: 30.0544, longitude: 31.2357 }
  const RIDE = {
    rideId: randomUUID(),
    target: PICKUP,
    workplace: { zoneId: 'zone-1', category: 'economy' },
  }

  /** A driver's positions, against a clock that stands still, with all that was published. */
  function tracked(ride: ActiveRide | null, estimate: RouteEstimator = straightLine) {
    const clock = manualClock(1_763_900_000_000)
    const pushes: Push[] = []
    const places: Position[] = []
    const driverId = randomUUID()
    const publish = async (some: readonly Push[]) => void pushes.push(...some)
    const tracker = new RideTracker({ publish, estimate, rules: DEFAULT_RULES, clock })
    const located: DriverPool['located'] = (_, position, speed = null, heading = null) => {
      places.push(position)
      const sighting = { position, speed, heading, atMs: clock.nowMs() }
      if (ride !== null) tracker.tell({ driverId, ride, sighting })
    }
    const locations = new DriverLocations({ drivers: { located }, clock })
    const handler = locations.handlers['driver:location'] as NaturalHandler<'driver:location'>
    const connection = new StandInConnection(driverId, 'driver')
    const sender = { connection, user: connection.user, traceId: 'test' }
    const tell = async (latitude = 30.0444) => {
      const outcome = await handler.handle(sender, { ...HERE, latitude })
      await tracker.send()
      return outcome
    }
    return { driverId, clock, pushes, places, tell }
  }

  it('goes to whoever follows the driver’s ride, the latest of him alone, with the way to the pickup', async () => {
    const { driverId, tell, pushes } = tracked(RIDE)
    const { rideId } = RIDE
    expect(await tell()).toEqual({ ok: true, data: {} })
    expect(pushes).toEqual([
      {
        rideId,
        latestOf: driverId,
        event: 'driver:location:update',
        data: {
          ...{ rideId, driverId, timestamp: 1_763_900_000_000, ageMs: 0 },
          location: { latitude: 30.0444, longitude: 31.2357, speed: 3.2, heading: 90 },
          // 1,112 m in a straight line, and the defaults of a zone: × 1.3 at 25 km/h.
          ...{ distanceMeters: 1_446, etaSeconds: 208 },
        },
      },
    ])
    const [push] = pushes
    expect(
      RIDE_PUSHES['driver:location:update'].data.safeParse(push && 'data' in push && push.data).success,
    ).toBe(true)
  })

  it.each([
    ['nobody told where the ride goes', { ...RIDE, target: null }, straightLine],
    ['the estimator fails', RIDE, () => Promise.reject(new Error('no route'))],
    ['the estimator throws', RIDE, () => assertNever('thrown' as never)],
    ['the estimator is late', RIDE, () => new Promise<never>(() => undefined)],
  ] as const)('goes without distance and time where %s', async (_, ride, estimate) => {
    const { tell, pushes } = tracked(ride, estimate)
    await tell()
    expect(pushes).toMatchObject([{ data: { distanceMeters: null, etaSeconds: null } }])
  })

  it('counts once a second; what comes sooner is passed over, and is no error', async () => {
    const { tell, pushes, places, clock } = tracked(RIDE)
    for (const latitude of [1, 2, 3]) expect(await tell(latitude)).toEqual({ ok: true, data: {} })
    clock.advance(999)
    await tell(4)
    clock.advance(1)
    await tell(5)
    expect(pushes.map((push) => 'data' in push && push.data.location)).toMatchObject([
      { latitude: 1 },
      { latitude: 5 },
    ])
    expect(places.map(({ latitude }) => latitude)).toEqual([1, 5])
  })

  it('tells nobody of a driver without a ride', async () => {
    const { tell, pushes, places } = tracked(null)
    await tell()
    expect(pushes).toEqual([])
    expect(places).toHaveLength(1)
  })
})

describe('a rider who begins to follow', () => {
  it('is told at once where his driver was last, how long ago, and how far that is from where he drives to', async () => {
    const [rider, driverId] = [new StandInConnection(randomUUID(), 'customer'), randomUUID()]
    const { id: rideId } = await createdTrip(database.pool, { customerId: rider.user.userId })
    const subscribe = () => open.say(rider, 'customer:subscribe:ride', { rideId })
    expect((await subscribe()).pushes).toEqual([])
    await database.pool.query(
      "UPDATE trip_requests SET driver_id = ?, current_status = 'accepted' WHERE id = ?",
      [driverId, rideId],
    )
    expect((await subscribe()).pushes).toEqual([])
    await database.pool.query(
      `INSERT INTO driver_positions (driver_id, zone_id, category, position, waits, at)
       VALUES (?, 'zone-1', 'economy', POINT(31.2, 30.1), 0, UTC_TIMESTAMP(3) - INTERVAL 7 SECOND)`,
      [driverId],
    )
    const { reply, pushes } = await subscribe()
    expect(reply?.data).toEqual({ rideId })
    expect(pushes).toMatchObject([
      {
        event: 'driver:location:update',
        data: { rideId, driverId, location: { latitude: 30.1, longitude: 31.2 } },
      },
    ])
    const update = RIDE_PUSHES['driver:location:update'].data.parse(pushes[0]?.data)
    expect(update.ageMs).toBeGreaterThanOrEqual(6_900)
    expect(update.ageMs).toBeLessThan(20_000)
    expect(update.etaSeconds).toBeGreaterThan(0)
    await database.pool.query("UPDATE trip_requests SET current_status = 'completed' WHERE id = ?", [rideId])
    expect((await subscribe()).pushes).toEqual([])
  })
})
