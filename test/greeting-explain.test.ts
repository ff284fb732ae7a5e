import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { migrate } from '../db/migrate.ts'
import type { Reading } from '../db/moment.ts'
import { newId } from '../src/base/ids.ts'
import { feedStandings } from '../src/feed/acks.ts'
import { driverDuties } from '../src/matching/drivers/driver-store.ts'
import { liveOffers } from '../src/matching/offers/live-offers.ts'
import { openTripIds, openTrips } from '../src/matching/trips/open-trips.ts'
import { paymentsOfTrips, recentPayments } from '../src/payments/recent-payments.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { keysOf } from './support/explain.ts'
import { loadLaravelSchema } from './support/migrations.ts'

const ROWS = 6_000
/** Each has been on 20 trips, and one in ten is on one now. */
const USERS = 300
/** As many as come in one turn of a busy process. */
const ASKED = Array.from({ length: 30 }, (_, index) => index * 10 + 7)

describe.each(['stand-alone', "in Laravel's database"])('the statements of a greeting, %s', (where) => {
  const drivers = ASKED.map((n) => `d-${n}`)
  const customers = ASKED.map((n) => `c-${n}`)
  let database: TestDatabase

  beforeAll(async () => {
    database = await testDatabase('greeting-explain', { migrated: false })
    if (where !== 'stand-alone') await loadLaravelSchema(database.address)
    await migrate(database.address)
    await fill()
  })
  afterAll(() => database?.drop())

  /** The indexes of a statement, in the order of their names. */
  async function keys({ sql, values }: Reading<unknown>): Promise<string[]> {
    const [found] = await keysOf(database, (connection) => connection.query(sql, [...values]))
    return [...new Set(found)].sort()
  }

  it('find heads and acknowledgements by the primary keys', async () => {
    expect(await keys(feedStandings(drivers))).toEqual(['PRIMARY'])
  })

  it('find open trips by the user, and what belongs to them by the primary keys', async () => {
    // What is derived has a key that the server makes up, and no table's name.
    expect(await keys(openTrips('driver_id', drivers))).toEqual(['PRIMARY', 'trips_by_driver_and_status'])
    expect(await keys(openTrips('customer_id', customers))).toEqual([
      'PRIMARY',
      'trips_by_customer_and_status',
    ])
  })

  it('find live offers by the driver', async () => {
    expect(await keys(liveOffers(drivers))).toEqual(['PRIMARY', 'offers_by_driver'])
  })

  it('find drivers’ duties by the driver', async () => {
    expect(await keys(driverDuties(drivers))).toEqual(['driver_details_user_id'])
  })

  it('find recent payments by the user and the date', async () => {
    expect(await keys(recentPayments('driver_id', drivers))).toEqual(['PRIMARY', 'driver_by_date'])
    expect(await keys(recentPayments('customer_id', customers))).toEqual(['PRIMARY', 'customer_by_date'])
  })

  it('find the payments of open trips by the trip', async () => {
    expect(await keys(paymentsOfTrips(openTripIds('driver_id', drivers)))).toEqual([
      'PRIMARY',
      'trip',
      'trips_by_driver_and_status',
    ])
    expect(await keys(paymentsOfTrips(openTripIds('customer_id', customers)))).toEqual([
      'PRIMARY',
      'trip',
      'trips_by_customer_and_status',
    ])
  })

  async function fill(): Promise<void> {
    const { pool } = database
    const all = Array.from({ length: ROWS }, (_, n) => n)
    const isLive = (n: number) => n < USERS && n % 10 === 7
    const trips = all.map(() => randomUUID())
    const more = where === 'stand-alone' ? '' : ', ref_id'
    await pool.query(
      `INSERT INTO trip_requests (id, customer_id, driver_id, estimated_fare, type, current_status, created_at${more}) VALUES ?`,
      [
        all.map((n) => {
          const status = isLive(n) ? 'ongoing' : 'completed'
          const row = [trips[n], `c-${n % USERS}`, `d-${n % USERS}`, 1, 'ride_request', status, new Date()]
          return where === 'stand-alone' ? row : [...row, n]
        }),
      ],
    )
    const now = new Date()
    await pool.query(
      'INSERT INTO trip_transitions (trip_id, version, to_state, observed, actor_type, at) VALUES ?',
      [trips.flatMap((id) => [1, 2].map((version) => [id, version, 'ongoing', 0, 'laravel', now]))],
    )
    await pool.query(
      `INSERT INTO trip_details (trip_id, customer_id, category, pickup_latitude, pickup_longitude, destination_latitude,
         destination_longitude, estimated_fare_minor, currency, adopted, created_at) VALUES ?`,
      [trips.map((id, n) => [id, `c-${n % USERS}`, 'car', 1, 1, 1, 1, 1, 'EGP', 0, now])],
    )
    await pool.query(
      'INSERT INTO trip_offers (id, trip_id, driver_id, state, expires_at, created_at) VALUES ?',
      [all.map((n) => [newId(), trips[n], `d-${n % USERS}`, isLive(n) ? 'offered' : 'lost', now, now])],
    )
    await pool.query(
      `INSERT INTO payments (id, trip_id, customer_id, driver_id, gateway, account, merchant_ref, merchant_ref_key,
         expected_minor, currency, state, created_at, updated_at) VALUES ?`,
      [
        all.map((n) => {
          const id = newId()
          const who = [trips[n], `c-${n % USERS}`, `d-${n % USERS}`]
          const ref = id.toString('hex')
          return [id, ...who, 'stripe', 'default', ref, Buffer.from(ref), 1, 'EGP', 'created', now, now]
        }),
      ],
    )
    await pool.query('INSERT INTO driver_details (user_id) VALUES ?', [all.map((n) => [`d-${n}`])])
    await pool.query('INSERT INTO feed_heads (user_id, head) VALUES ?', [all.map((n) => [`d-${n}`, n + 1])])
    await pool.query('INSERT INTO feed_acks (user_id, acked, acked_at) VALUES ?', [
      all.map((n) => [`d-${n}`, n + 1, now]),
    ])
    await pool.query(
      'ANALYZE TABLE driver_details, trip_requests, trip_offers, trip_transitions, trip_details, payments, feed_heads, feed_acks',
    )
  }
})
