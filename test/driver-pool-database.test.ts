import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { migrate } from '../db/migrate.ts'
import type { RowDataPacket } from '../db/rows.ts'
import { storeLastLocations } from '../src/matching/drivers/last-location-store.ts'
import { readNearby, type StoredPosition, storePositions } from '../src/matching/drivers/position-store.ts'
import { readActiveRides } from '../src/matching/drivers/ride-store.ts'
import { driverRecords, readLastPosition, storedPlaces } from '../src/matching/drivers/standing-store.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { at, FAST, near, openTestPool, type TestPool, WORK } from './support/driver-pools.ts'
import { keysOf } from './support/explain.ts'
import { loadLaravelSchema } from './support/migrations.ts'
import { type OwnRedis, openOwnRedis } from './support/own-redis.ts'

const SOON = { timeout: 8_000, interval: 20 }
/** Positions go to the database every eight seconds. */
const STORED = { timeout: 25_000, interval: 50 }
const KARIM = '0b7a1d52-6a0f-4d3e-9c55-0a8f5c7f1a02'

function stored(driverId: string, more: Partial<StoredPosition> = {}): StoredPosition {
  return { driverId, ...WORK, position: at(100), waits: true, heardAgo: 0, ...more }
}

describe('the driver pool and the database', () => {
  let database: TestDatabase
  let redis: OwnRedis
  const opened: TestPool[] = []
  const pulse = () => ({ heardAtMs: performance.now(), isAwaited: false })
  const open = async (tempo = {}) => {
    const pool = await openTestPool(database, redis.address, {
      installation: randomUUID(),
      tempo: { ...FAST, staleMs: 30_000, rideMs: 100, standingMs: 300, ...tempo },
    })
    opened.push(pool)
    return pool
  }
  /** A driver who is online by the database's word. */
  async function works(id: string): Promise<void> {
    await database.pool.query("INSERT INTO driver_details (user_id, is_online) VALUES (?, '1')", [id])
    await storePositions(database.pool, [stored(id)])
  }

  beforeAll(async () => {
    database = await testDatabase('driver-pool-database')
    redis = await openOwnRedis('driver-pool')
  })
  afterEach(() => Promise.all(opened.splice(0).map((pool) => pool.close())))
  afterAll(async () => {
    await redis?.remove()
    await database?.drop()
  })

  it('finds who is online by its word, and nobody whom it knows to be offline or suspended', async () => {
    const ids = ['w-1', 'w-2', 'w-3']
    for (const id of ids) await works(id)
    const one = await open()
    for (const [n, id] of ids.entries()) {
      one.pool.connected(id, 1, pulse())
      one.pool.located(id, at(100 + n))
    }
    await expect.poll(() => one.found(), SOON).toEqual(ids)
    await database.pool.query("UPDATE driver_details SET is_online = '0' WHERE user_id = 'w-1'")
    await expect.poll(() => one.found(), SOON).toEqual(['w-2', 'w-3'])
    await database.pool.query('ALTER TABLE driver_details ADD COLUMN is_suspended TINYINT NOT NULL DEFAULT 0')
    await database.pool.query("UPDATE driver_details SET is_suspended = 1 WHERE user_id = 'w-2'")
    await expect.poll(() => one.found(), SOON).toEqual(['w-3'])
    await database.pool.query('ALTER TABLE driver_details ADD COLUMN vehicle_category_id CHAR(36) NULL')
    await database.pool.query("UPDATE driver_details SET vehicle_category_id = 'bike' WHERE user_id = 'w-3'")
    await expect.poll(() => one.found({ category: 'bike' }), SOON).toEqual(['w-3'])
    expect(await one.found()).toEqual([])
  })

  it('takes out who is on a ride, by whomever it was taken, and has him again after it', async () => {
    await works('r-1')
    const one = await open()
    one.pool.connected('r-1', 1, pulse())
    one.pool.located('r-1', at(100))
    await expect.poll(() => one.found(), SOON).toEqual(['r-1'])
    await database.pool.query(
      `INSERT INTO trip_requests (id, customer_id, driver_id, type, current_status, estimated_fare)
       VALUES ('ride-1', 'c', 'r-1', 'ride_request', 'accepted', 1)`,
    )
    await expect.poll(() => one.found(), SOON).toEqual([])
    await database.pool.query("UPDATE trip_requests SET current_status = 'completed' WHERE id = 'ride-1'")
    await expect.poll(() => one.found(), SOON).toEqual(['r-1'])
  })

  it('has every position soon, for us and for Laravel, and who left waits no more', async () => {
    const one = await open({ standingMs: 60_000, rideMs: 60_000 })
    one.pool.connected('s-1', 3, pulse())
    one.pool.online('s-1', { ...WORK, position: at(100) })
    const row = async () => {
      const [rows] = await database.pool.query<RowDataPacket[]>(
        'SELECT ST_Y(position) AS latitude, waits FROM driver_positions WHERE driver_id = ?',
        ['s-1'],
      )
      return rows.map(({ latitude, waits }) => [Number(latitude).toFixed(4), Number(waits)])
    }
    await works('s-1')
    one.pool.look(['s-1'])
    one.pool.located('s-1', at(2_000))
    await expect.poll(row, STORED).toEqual([[at(2_000).latitude.toFixed(4), 1]])
    const laravel = async () => {
      const [rows] = await database.pool.query<RowDataPacket[]>(
        "SELECT type, latitude, zone_id FROM user_last_locations WHERE user_id = 's-1'",
      )
      return rows.map((found) => [found.type, Number(found.latitude).toFixed(4), found.zone_id])
    }
    await expect.poll(laravel, STORED).toEqual([['driver', at(2_000).latitude.toFixed(4), WORK.zoneId]])
    one.pool.left('s-1', 3)
    await expect.poll(row, STORED).toEqual([[at(2_000).latitude.toFixed(4), 0]])
  })

  it('is searched while Redis is away, and Redis again when it is back', async () => {
    const one = await open({ standingMs: 60_000, rideMs: 60_000 })
    const ids = ['m-1', 'm-2', 'm-3']
    for (const [n, id] of ids.entries())
      one.pool.online(id, { ...WORK, zoneId: 'zone-m', position: at(100 + 300 * n) })
    const search = () => one.found({ zoneIds: ['zone-m'], radiiMeters: [150, 500, 1_000], limit: 2 })
    await expect.poll(search, SOON).toEqual(['m-1', 'm-2'])
    const alive = setInterval(() => ids.forEach((id) => void one.pool.heard(id)), 50)
    await redis.kill()
    await expect.poll(search, SOON).toEqual(['m-1', 'm-2'])
    const metrics = await one.registry.getSingleMetricAsString('onceline_drivers_search_seconds')
    expect(metrics).toMatch(/_count\{source="mysql"\} [1-9]/)
    await redis.revive()
    const fromRedis = async () => {
      const before = await one.registry.getSingleMetricAsString('onceline_drivers_search_seconds')
      const found = await search()
      const after = await one.registry.getSingleMetricAsString('onceline_drivers_search_seconds')
      const counted = (text: string) => /_count\{source="redis"\} (\d+)/.exec(text)?.[1]
      return counted(before) === counted(after) ? [] : found
    }
    await expect.poll(fromRedis, { ...SOON, timeout: 20_000 }).toEqual(['m-1', 'm-2'])
    clearInterval(alive)
  })
})

describe.each(['stand-alone', "in Laravel's database"])('positions that are stored, %s', (where) => {
  let database: TestDatabase
  const ids = Array.from({ length: 2_000 }, (_, n) => `d-${n}`)

  beforeAll(async () => {
    database = await testDatabase('positions', { migrated: false })
    if (where !== 'stand-alone') await loadLaravelSchema(database.address)
    await migrate(database.address)
    for (let from = 0; from < ids.length; from += 500)
      await storePositions(
        database.pool,
        ids
          .slice(from, from + 500)
          .map((id, n) => stored(id, { position: at(20 * (from + n), 37 * ((7 * n) % 500)) })),
      )
    await database.pool.query(
      `INSERT INTO driver_details (user_id, is_online) VALUES ${ids.map(() => "(?, '1')").join(', ')}`,
      ids,
    )
    for (let from = 0; from < ids.length; from += 200)
      await storeLastLocations(
        database.pool,
        ids.slice(from, from + 200).map((id) => stored(id)),
      )
    await database.pool.query(
      `INSERT INTO trip_requests (id, ${where === 'stand-alone' ? '' : 'ref_id, '}driver_id, type, current_status, estimated_fare)
       VALUES ${ids.map(() => `(?, ${where === 'stand-alone' ? '' : "'1', "}?, 'ride_request', 'accepted', 1)`).join(', ')}`,
      ids.flatMap((id) => [`t-${id}`, id]),
    )
    await database.pool.query(
      'ANALYZE TABLE driver_positions, driver_details, user_last_locations, trip_requests',
    )
  })
  afterAll(() => database?.drop())

  it('are found and written by indexes', async () => {
    const some = ids.slice(0, 20)
    const asked = [
      () => keysOf(database, (connection) => readNearby(connection, near(), 500, 60_000)),
      () => keysOf(database, (connection) => connection.query(driverRecords(some).sql, [some])),
      () => keysOf(database, (connection) => connection.query(storedPlaces(some).sql, [some])),
      () => keysOf(database, (connection) => readLastPosition(connection, 'd-1')),
      () => keysOf(database, (connection) => readActiveRides(connection, some)),
    ]
    const keys = []
    for (const ask of asked) keys.push((await ask()).flat())
    expect(keys).toEqual([
      ['positions_by_place'],
      ['driver_details_user_id'],
      ['PRIMARY'],
      ['PRIMARY'],
      ['one_active_trip_per_driver'],
    ])
    const known = some.map((id, n) => ({ id: n + 1, user_id: id }))
    const [reads, writes] = await keysOf(
      database,
      (connection) =>
        storeLastLocations(
          connection,
          some.map((id) => stored(id)),
        ),
      known,
    )
    expect(reads?.[0]).toMatch(/^user_last_locations_user/)
    expect(writes).toEqual(['PRIMARY'])
  })

  it('are those of the newest moment, and the nearest who wait', async () => {
    await storePositions(
      database.pool,
      [0, 1, 2, 3, 4].map((n) => stored(`d-${n}`, { position: at(5 + n) })),
    )
    await storePositions(database.pool, [stored('d-0', { position: at(900), heardAgo: 5_000, waits: false })])
    await storePositions(database.pool, [stored('d-1', { waits: false })])
    await storePositions(database.pool, [stored('d-2', { heardAgo: 0, category: 'luxury' })])
    const found = await readNearby(database.pool, near({ limit: 3 }), 500, 600_000)
    expect(found.map(({ driverId }) => driverId)).toEqual(['d-0', 'd-3', 'd-4'])
    expect(found[0]?.straightMeters).toBeCloseTo(5, 0)
    expect(await readNearby(database.pool, near({ center: at(-5_000) }), 500, 600_000)).toEqual([])
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(await readNearby(database.pool, near(), 500, 10)).toEqual([])
  })

  it('are one row a user for Laravel, whatever was there', async () => {
    await storeLastLocations(database.pool, [
      stored(KARIM, { position: at(7) }),
      stored('d-new', { zoneId: 'z' }),
    ])
    await storeLastLocations(database.pool, [
      stored(KARIM, { position: at(9) }),
      stored('d-new', { zoneId: 'y' }),
    ])
    const [rows] = await database.pool.query<RowDataPacket[]>(
      'SELECT user_id, type, latitude, zone_id FROM user_last_locations WHERE user_id IN (?) ORDER BY user_id',
      [[KARIM, 'd-new']],
    )
    expect(rows.map((row) => [row.user_id, row.type, Number(row.latitude).toFixed(5), row.zone_id])).toEqual([
      [KARIM, 'driver', at(9).latitude.toFixed(5), WORK.zoneId],
      ['d-new', 'driver', at(100).latitude.toFixed(5), 'y'],
    ])
  })
})
