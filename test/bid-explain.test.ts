import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { migrate } from '../db/migrate.ts'
import { idToText, newId } from '../src/base/ids.ts'
import {
  endBids,
  liveBiddersAmong,
  lockBidsByOffers,
  lockLiveBids,
  readBid,
  readBidsOf,
  readLastBid,
} from '../src/matching/bids/bid-store.ts'
import { ignoreLaravelBids } from '../src/matching/bids/laravel-bids.ts'
import { liveBids } from '../src/matching/bids/live-bids.ts'
import { driverBidsIn, driversBidNoMoreIn } from '../src/matching/drivers/bidding-duty.ts'
import { readLastOffer, readOffer } from '../src/matching/offers/offer-store.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { keysOf } from './support/explain.ts'
import { loadLaravelSchema } from './support/migrations.ts'

const ROWS = 3_000
const USERS = 300

describe.each(['stand-alone', "in Laravel's database"])('the statements of a bid, %s', (where) => {
  const bids = Array.from({ length: ROWS }, () => newId())
  const offers = bids.map(() => newId())
  const trips = bids.map(() => randomUUID())
  const [bid, offer, trip] = [bids[7] ?? newId(), offers[7] ?? newId(), trips[7] ?? '']
  const users = (kind: string) => Array.from({ length: 30 }, (_, index) => `${kind}-${index * 10 + 7}`)
  const row = { id: bid, trip_id: trip, amount_minor: 1, overdue: 0 }
  let database: TestDatabase

  beforeAll(async () => {
    database = await testDatabase('bid-explain', { migrated: false })
    if (where !== 'stand-alone') await loadLaravelSchema(database.address)
    await migrate(database.address)
    await fill()
  })
  afterAll(() => database?.drop())

  it('read by the primary key, and by the trip', async () => {
    expect(await keysOf(database, (connection) => readBid(connection, bid))).toEqual([['PRIMARY']])
    expect(await keysOf(database, (connection) => readBidsOf(connection, trip, 10))).toEqual([
      ['bids_by_trip'],
    ])
    expect(await keysOf(database, (connection) => readLastBid(connection, trip, 'd-7'))).toEqual([
      ['bids_by_trip'],
    ])
  })

  it('find live ones by the trip, the driver and the offer, and lock by the primary key', async () => {
    expect(await keysOf(database, (connection) => lockLiveBids(connection, trip, 'd-7'), [row])).toEqual([
      ['bids_by_trip', 'one_live_bid_per_driver'],
      ['PRIMARY'],
    ])
    expect(await keysOf(database, (connection) => lockBidsByOffers(connection, [offer]), [row])).toEqual([
      ['bids_by_offer'],
      ['PRIMARY'],
    ])
    expect(await keysOf(database, (connection) => liveBiddersAmong(connection, users('d')))).toEqual([
      ['one_live_bid_per_driver'],
    ])
  })

  it('end by the primary key, in Laravel’s table too, and let go of drivers by the driver', async () => {
    expect(await keysOf(database, (connection) => endBids(connection, [bid], 'lost'))).toEqual([['PRIMARY']])
    expect(await keysOf(database, (connection) => ignoreLaravelBids(connection, [bid]))).toEqual([
      ['PRIMARY'],
    ])
    for (const work of [
      driversBidNoMoreIn,
      (on: Parameters<typeof driverBidsIn>[0]) => driverBidsIn(on, 'd-7'),
    ])
      expect(await keysOf(database, (connection) => work(connection, ['d-7', 'd-17']))).toEqual([
        ['driver_details_user_id'],
      ])
  })

  it('read what the driver was asked by the trip, and how the trip looks for drivers by the primary key', async () => {
    const [found] = await keysOf(database, (connection) => readLastOffer(connection, trip, 'd-7'))
    expect(found).toEqual(['offers_by_trip', 'PRIMARY'])
    expect(await keysOf(database, (connection) => readOffer(connection, offer))).toEqual([
      ['PRIMARY', 'PRIMARY'],
    ])
  })

  it('find those of a first message by the rider and by the driver', async () => {
    for (const [side, kind, key] of [
      ['customer', 'c', 'bids_by_customer'],
      ['driver', 'd', 'one_live_bid_per_driver'],
    ] as const) {
      const { sql, values } = liveBids(side, users(kind))
      expect(await keysOf(database, (connection) => connection.query(sql, [...values]))).toEqual([[key]])
    }
  })

  async function fill(): Promise<void> {
    const { pool } = database
    const now = new Date()
    await pool.query(
      `INSERT INTO trip_bids (id, trip_id, customer_id, driver_id, offer_id, amount_minor, currency, state, expires_at, created_at)
       VALUES ?`,
      [
        bids.map((id, n) => {
          const who = [trips[n], `c-${n % USERS}`, `d-${n % USERS}`, offers[n]]
          return [id, ...who, 1, 'EGP', n < USERS && n % 10 === 7 ? 'live' : 'lost', now, now]
        }),
      ],
    )
    await pool.query(
      'INSERT INTO trip_offers (id, trip_id, driver_id, state, expires_at, created_at) VALUES ?',
      [offers.map((id, n) => [id, trips[n], `d-${n % USERS}`, 'lost', now, now])],
    )
    await pool.query(
      `INSERT INTO trip_dispatches (trip_id, zone_id, category, policy, round, asked, since, deadline_at, next_at) VALUES ?`,
      [trips.map((id) => [id, 'z', 'car', 'bidding', 0, 0, now, now, now])],
    )
    await pool.query(
      'INSERT INTO fare_biddings (id, trip_request_id, driver_id, customer_id, bid_fare) VALUES ?',
      [bids.map((id, n) => [idToText(id), trips[n], `d-${n % USERS}`, `c-${n % USERS}`, 1])],
    )
    await pool.query('INSERT INTO driver_details (user_id) VALUES ?', [
      Array.from({ length: ROWS }, (_, n) => [`d-${n}`]),
    ])
    await pool.query('ANALYZE TABLE trip_bids, trip_offers, trip_dispatches, fare_biddings, driver_details')
  }
})
