import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { migrate } from '../db/migrate.ts'
import type { PoolConnection } from '../db/pools.ts'
import { newId } from '../src/base/ids.ts'
import {
  advanceSearch,
  endDispatchIn,
  isSearchDue,
  lockSearch,
  oldestSearches,
  readSearches,
  SEARCH_COLUMNS,
} from '../src/matching/dispatch/dispatch-store.ts'
import { factReadings } from '../src/matching/dispatch/facts.ts'
import { lookedAt } from '../src/matching/dispatch/next-look.ts'
import { searchesInWindow, waitingGroups, waitsLonger } from '../src/matching/dispatch/window-store.ts'
import { overdueOffersOf, someOverdueOffers } from '../src/matching/offers/expire.ts'
import { readOffersHeldBy } from '../src/matching/offers/make.ts'
import { connectedAmong } from '../src/realtime/presence/presence-store.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { keysOf } from './support/explain.ts'
import { loadLaravelSchema } from './support/migrations.ts'

const SEARCHES = 3_000
const OFFERS = 6_000
const POLICIES = ['nearest', 'broadcast', 'batch', 'bidding']

describe.each(['stand-alone', "in Laravel's database"])('the statements of dispatch, %s', (where) => {
  let database: TestDatabase
  const keys = (work: (connection: PoolConnection) => Promise<unknown>) => keysOf(database, work)

  beforeAll(async () => {
    database = await testDatabase('dispatch-explain', { migrated: false })
    if (where !== 'stand-alone') await loadLaravelSchema(database.address)
    await migrate(database.address)
    await fill()
  })
  afterAll(() => database?.drop())

  it('find what is due by its time', async () => {
    const [due] = await keys((connection) =>
      connection.query(
        `SELECT trip_id, since FROM trip_dispatches FORCE INDEX (dispatches_by_time)
         WHERE next_at <= UTC_TIMESTAMP(3) AND policy <> 'batch' ORDER BY next_at LIMIT 20 FOR UPDATE SKIP LOCKED`,
      ),
    )
    expect(due).toEqual(['dispatches_by_time'])
    expect(await keys(isSearchDue)).toEqual([['dispatches_by_time']])
    expect(await keys(waitingGroups)).toEqual([['dispatches_by_time']])
  })

  it('read, lock, note and end a search by the primary key', async () => {
    const at = { asked: 1, nextAt: new Date() }
    expect(await keys((connection) => lockSearch(connection, 't-7'))).toEqual([['PRIMARY']])
    expect(await keys((connection) => advanceSearch(connection, 't-7', at))).toEqual([['PRIMARY']])
    expect(await keys((connection) => endDispatchIn(connection, 't-7'))).toEqual([['PRIMARY']])
    expect(await keys((connection) => readSearches(connection, ['t-7', 't-8']))).toEqual([
      ['PRIMARY', 'PRIMARY'],
    ])
    const looked = await keysOf(database, (connection) => lookedAt(connection, ['t-7', 't-8']), [
      { trip_id: 't-7' },
    ])
    expect(looked).toEqual([['PRIMARY'], ['PRIMARY']])
    expect(SEARCH_COLUMNS).toContain('s.round')
  })

  it('find who waits in a zone and category by the group', async () => {
    const group = { zoneId: 'zone-7', category: 'car' }
    expect(await keys((connection) => waitsLonger(connection, group, 2_000))).toEqual([
      ['dispatches_by_group'],
    ])
    const [window] = await keys((connection) => searchesInWindow(connection, group, 100))
    expect(window).toEqual(['dispatches_by_group', 'PRIMARY'])
    expect(await keys((connection) => oldestSearches(connection, 'zone-7', 'car', 3))).toEqual([
      ['dispatches_by_group'],
    ])
  })

  it('find overdue offers by their trip or their deadline, and a driver’s by the driver', async () => {
    expect(await keys((connection) => overdueOffersOf(connection, ['t-7', 't-8']))).toEqual([
      ['offers_by_trip'],
    ])
    expect(await keys((connection) => someOverdueOffers(connection, 5_000, 100))).toEqual([
      ['offers_by_deadline'],
    ])
    expect(await keys((connection) => readOffersHeldBy(connection, ['d-7', 'd-8']))).toEqual([
      ['offers_by_driver'],
    ])
  })

  it('read what is known of trips and drivers by their keys', async () => {
    const readings = factReadings(connectedAmong, ['t-7', 't-8'], ['d-7', 'd-8'])
    const found = []
    for (const { sql, values } of readings)
      found.push(...(await keys((connection) => connection.query(sql, [...values]))))
    expect(found).toEqual([
      ...[['PRIMARY'], ['offers_by_trip'], ['PRIMARY'], ['driver_details_user_id'], ['PRIMARY']],
      ...[['one_active_trip_per_driver'], ['one_live_bid_per_driver'], ['offers_by_driver'], ['PRIMARY']],
      ['driver_details_user_id'],
    ])
  })

  async function fill(): Promise<void> {
    const { pool } = database
    const numbers = (count: number) => Array.from({ length: count }, (_, index) => index)
    const now = new Date()
    const place = [30, 31, null, 30, 31, null, 1_000, 'EGP', null, null, 0, now]
    await pool.query(
      `INSERT INTO trip_details (trip_id, customer_id, zone_id, category, pickup_latitude, pickup_longitude, pickup_address,
         destination_latitude, destination_longitude, destination_address, estimated_fare_minor, currency, payment_method,
         policy, adopted, created_at) VALUES ?`,
      [numbers(SEARCHES).map((n) => [`t-${n}`, 'c', `zone-${n % 50}`, 'car', ...place])],
    )
    await pool.query('INSERT INTO trip_dispatches VALUES ?', [
      numbers(SEARCHES).map((n) => {
        const at = new Date(now.getTime() + (n % 100 === 0 ? -1_000 : n * 1_000))
        return [`t-${n}`, `zone-${n % 50}`, 'car', POLICIES[n % 4], 0, 0, now, at, at]
      }),
    ])
    await pool.query(
      'INSERT INTO trip_offers (id, trip_id, driver_id, state, expires_at, created_at, live_slot) VALUES ?',
      [
        numbers(OFFERS).map((n) => {
          const isLive = n % 20 === 0
          const state = isLive ? 'offered' : 'expired'
          return [
            newId(),
            `t-${n % SEARCHES}`,
            `d-${n}`,
            state,
            new Date(now.getTime() + n),
            now,
            isLive ? 1 : null,
          ]
        }),
      ],
    )
    await pool.query('INSERT INTO driver_sessions VALUES ?', [
      numbers(SEARCHES).map((n) => [`d-${n}`, 1, 'node', 'connected', null, now]),
    ])
    await pool.query('INSERT INTO driver_standings (driver_id) VALUES ?', [
      numbers(SEARCHES).map((n) => [`d-${n}`]),
    ])
    const more = where === 'stand-alone' ? '' : ', ref_id'
    await pool.query(
      `INSERT INTO trip_requests (id, customer_id, driver_id, estimated_fare, type, current_status${more}) VALUES ?`,
      [
        numbers(SEARCHES).map((n) => {
          const [driverId, status] = n % 9 === 0 ? [`d-${n}`, 'accepted'] : [null, 'pending']
          const row = [`t-${n}`, 'c', driverId, 1, 'ride_request', status]
          return where === 'stand-alone' ? row : [...row, n]
        }),
      ],
    )
    await pool.query(
      `INSERT INTO trip_transitions (trip_id, version, from_state, to_state, observed, actor_type, actor_id, at) VALUES ?`,
      [numbers(SEARCHES).map((n) => [`t-${n}`, 1, null, 'pending', 0, 'customer', 'c', now])],
    )
    await pool.query('INSERT INTO driver_details (user_id, is_online, availability_status) VALUES ?', [
      numbers(SEARCHES).map((n) => [`d-${n}`, '1', 'available']),
    ])
    await pool.query(
      `ANALYZE TABLE trip_dispatches, trip_offers, trip_requests, trip_transitions, driver_details, driver_sessions,
       driver_standings, trip_details`,
    )
  }
})
