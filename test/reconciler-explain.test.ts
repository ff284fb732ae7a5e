import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { migrate } from '../db/migrate.ts'
import { driversWithTrips, someOnTrip } from '../src/matching/drivers/stale-drivers.ts'
import { somethingMoved } from '../src/matching/upkeep/silent-moves.ts'
import { dropUpkeepLease, takeUpkeepLease } from '../src/matching/upkeep/upkeep-lease.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { keysOf } from './support/explain.ts'
import { loadLaravelSchema } from './support/migrations.ts'

const ROWS = 3_000

describe.each(['stand-alone', "in Laravel's database"])('the statements of the reconciler, %s', (where) => {
  const trips = Array.from({ length: ROWS }, () => randomUUID())
  const drivers = Array.from({ length: ROWS }, () => randomUUID())
  let database: TestDatabase

  beforeAll(async () => {
    database = await testDatabase('reconciler-explain', { migrated: false })
    if (where !== 'stand-alone') await loadLaravelSchema(database.address)
    await migrate(database.address)
    await fill()
  })
  afterAll(() => database?.drop())

  it('find who is on_trip, page by page, and who has a trip, by their indexes', async () => {
    const some = drivers.slice(0, 500)
    expect(await keysOf(database, (connection) => someOnTrip(connection, some[0] ?? '', 500))).toEqual([
      ['drivers_by_availability'],
    ])
    expect(await keysOf(database, (connection) => driversWithTrips(connection, some))).toEqual([
      ['trips_by_driver_and_status'],
    ])
  })

  it('read the trips of the last hours by their time, and all else by the primary keys', async () => {
    const after = { createdAt: new Date(), tripId: trips[7] ?? '' }
    const answer = [{ trip_id: trips[8], created_at: new Date(), to_state: 'accepted' }]
    const keys = await keysOf(database, (connection) => somethingMoved(connection, after, 500), answer)
    const [[page, ...history] = [], ...rest] = keys
    expect([page, new Set(history)]).toEqual(['details_by_time', new Set(['PRIMARY'])])
    expect(rest).toEqual([['PRIMARY'], ['PRIMARY']])
  })

  it('hold the lease by the primary key', async () => {
    await database.pool.query("INSERT INTO upkeep_leases VALUES ('x', 'y', UTC_TIMESTAMP(3))")
    const [, holder] = await keysOf(database, (connection) => takeUpkeepLease(connection, 'x', 'y', 1_000))
    expect(holder).toEqual(['PRIMARY'])
    expect(await keysOf(database, (connection) => dropUpkeepLease(connection, 'x', 'y'))).toEqual([
      ['PRIMARY'],
    ])
  })

  async function fill(): Promise<void> {
    const [pool, now] = [database.pool, new Date()]
    await pool.query('INSERT INTO driver_details (user_id, is_online, availability_status) VALUES ?', [
      drivers.map((id, index) => [id, '1', index % 3 === 0 ? 'on_trip' : 'available']),
    ])
    const refs = where === 'stand-alone' ? '' : ', ref_id'
    const columns = `id, customer_id, driver_id, estimated_fare, type, current_status${refs}`
    await pool.query(`INSERT INTO trip_requests (${columns}) VALUES ?`, [
      trips.map((id, n) => {
        const row = [id, 'c', drivers[n], 1, 'parcel', 'completed']
        return where === 'stand-alone' ? row : [...row, n]
      }),
    ])
    await pool.query(
      `INSERT INTO trip_details (trip_id, customer_id, category, pickup_latitude, pickup_longitude, destination_latitude,
         destination_longitude, estimated_fare_minor, currency, adopted, created_at) VALUES ?`,
      [trips.map((id, n) => [id, 'c', 'car', 1, 1, 1, 1, 1, 'EGP', 0, new Date(now.getTime() - n * 60_000)])],
    )
    await pool.query(
      'INSERT INTO trip_transitions (trip_id, version, from_state, to_state, observed, actor_type, at) VALUES ?',
      [trips.flatMap((id) => [1, 2, 3].map((version) => [id, version, null, 'pending', 0, 'system', now]))],
    )
    await pool.query(
      'INSERT INTO trip_dispatches (trip_id, zone_id, category, policy, round, asked, since, deadline_at, next_at) VALUES ?',
      [trips.map((id) => [id, 'z', 'car', 'nearest', 0, 0, now, now, now])],
    )
    const tables = 'driver_details, trip_requests, trip_details, trip_transitions, trip_dispatches'
    await pool.query(`ANALYZE TABLE ${tables}`)
  }
})
