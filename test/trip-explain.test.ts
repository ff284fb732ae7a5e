import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { migrate } from '../db/migrate.ts'
import { type Id, newId } from '../src/base/ids.ts'
import { endOffers, lockLiveOffers, readOffer, readOffersOf } from '../src/matching/offers/offer-store.ts'
import { readAcceptedAt } from '../src/matching/trips/cancellation-fee.ts'
import { giveOtp, readOtp } from '../src/matching/trips/otp.ts'
import { readParties } from '../src/matching/trips/parties-store.ts'
import { takeFromDriver, whoGaveUp } from '../src/matching/trips/release.ts'
import { readOpenRide } from '../src/matching/trips/request.ts'
import { setStatus, stampStatus, takeTrip } from '../src/matching/trips/store.ts'
import { isOnRide, lockTrip, readTrip } from '../src/matching/trips/trip-reader.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { keysOf } from './support/explain.ts'
import { loadLaravelSchema } from './support/migrations.ts'

const ROWS = 2_000
const RESULT = { affectedRows: 1 }

describe.each(['stand-alone', "in Laravel's database"])('the statements of a trip, %s', (where) => {
  const trips = Array.from({ length: ROWS }, () => randomUUID())
  const offers: Id[] = trips.map(() => newId())
  const [trip = '', driver] = [trips[7], 'd-7']
  let database: TestDatabase

  beforeAll(async () => {
    database = await testDatabase('trip-explain', { migrated: false })
    if (where !== 'stand-alone') await loadLaravelSchema(database.address)
    await migrate(database.address)
    await fill()
  })
  afterAll(() => database?.drop())

  it('read and lock by the primary key', async () => {
    expect(await keysOf(database, (connection) => readTrip(connection, trip))).toEqual([['PRIMARY']])
    expect(await keysOf(database, (connection) => lockTrip(connection, trip))).toEqual([['PRIMARY']])
  })

  it('read who rides and drives the trips of a batch by the primary key', async () => {
    const some = trips.slice(100, 150)
    expect(await keysOf(database, (connection) => readParties(connection, some))).toEqual([['PRIMARY']])
  })

  it('read the record by the primary keys', async () => {
    const row = { id: trip, current_status: 'pending' }
    const [, record] = await keysOf(database, (connection) => readTrip(connection, trip), [row])
    expect(new Set(record)).toEqual(new Set(['PRIMARY']))
  })

  it('take and move by the primary key', async () => {
    const keys = [
      await keysOf(
        database,
        (connection) => takeTrip(connection, trip, driver, new Date(Date.now() + 600_000)),
        RESULT,
      ),
      await keysOf(database, (connection) => setStatus(connection, trip, 'accepted', 'ongoing'), RESULT),
    ]
    expect(keys).toEqual([[['PRIMARY']], [['PRIMARY']]])
  })

  it('note times by an index, though Laravel makes none', async () => {
    const [keys] = await keysOf(database, (connection) => stampStatus(connection, trip, 'accepted', driver))
    expect(keys).toEqual(['trip_status_trip_request_id'])
  })

  it('look for a driver on a ride by what makes it unique', async () => {
    expect(await keysOf(database, (connection) => isOnRide(connection, driver))).toEqual([
      ['one_active_trip_per_driver'],
    ])
  })

  it("read a trip's code by the primary key", async () => {
    expect(await keysOf(database, (connection) => readOtp(connection, trip))).toEqual([['PRIMARY']])
  })

  it('ask who gave trips up, and when one was accepted, by the primary key', async () => {
    const gaveUp = whoGaveUp(trips.slice(100, 150))
    expect([
      await keysOf(database, (connection) => connection.query(gaveUp.sql, [...gaveUp.values])),
      await keysOf(database, (connection) => readAcceptedAt(connection, trip)),
    ]).toEqual([[['PRIMARY']], [['PRIMARY']]])
  })

  it('release a trip, and give it its code, by the primary key', async () => {
    const keys = await keysOf(database, (connection) => takeFromDriver(connection, trip), RESULT)
    expect(keys).toEqual([['PRIMARY'], ['trip_status_trip_request_id']])
    expect(await keysOf(database, (connection) => giveOtp(connection, trip), RESULT)).toEqual([['PRIMARY']])
  })

  it('look for the ride that a rider is on by who he is and how it stands', async () => {
    expect(await keysOf(database, (connection) => readOpenRide(connection, 'c-7'))).toEqual([
      ['trips_by_customer_and_status'],
    ])
  })

  it('find the trips that wait in a zone by their index', async () => {
    const keys = await keysOf(database, (connection) =>
      connection.query("SELECT id FROM trip_requests WHERE zone_id = ? AND current_status = 'pending'", [
        'zone-3',
      ]),
    )
    expect(keys).toEqual([['trips_by_zone_and_status']])
  })

  it('find and end offers by their indexes', async () => {
    const id = offers[7] ?? newId()
    expect(await keysOf(database, (connection) => readOffer(connection, id))).toEqual([['PRIMARY']])
    expect(await keysOf(database, (connection) => readOffersOf(connection, trip, 10))).toEqual([
      ['offers_by_trip'],
    ])
    const [found, locked] = await keysOf(database, (connection) => lockLiveOffers(connection, trip, driver), [
      { id, trip_id: trip, overdue: 0 },
    ])
    expect([found, locked]).toEqual([['offers_by_trip', 'offers_by_driver'], ['PRIMARY']])
    expect(await keysOf(database, (connection) => endOffers(connection, [id], 'lost'))).toEqual([['PRIMARY']])
  })

  async function fill(): Promise<void> {
    const { pool } = database
    const more = where === 'stand-alone' ? '' : ', ref_id'
    await pool.query(
      `INSERT INTO trip_requests (id, customer_id, driver_id, zone_id, estimated_fare, type, current_status${more}) VALUES ?`,
      [
        trips.map((id, index) => {
          const isLive = index % 50 === 7
          const row = [
            id,
            `c-${index % 40}`,
            `d-${index}`,
            `zone-${index % 40}`,
            1,
            'ride_request',
            isLive ? 'accepted' : 'completed',
          ]
          return where === 'stand-alone' ? row : [...row, index]
        }),
      ],
    )
    await pool.query('INSERT INTO trip_status (trip_request_id, customer_id) VALUES ?', [
      trips.map((id) => [id, 'c']),
    ])
    const now = new Date()
    await pool.query(
      'INSERT INTO trip_offers (id, trip_id, driver_id, state, expires_at, created_at) VALUES ?',
      [
        trips.map((id, index) => [
          offers[index],
          id,
          `d-${index}`,
          index % 50 === 7 ? 'offered' : 'lost',
          now,
          now,
        ]),
      ],
    )
    await pool.query(
      `INSERT INTO trip_transitions (trip_id, version, to_state, observed, actor_type, at) VALUES ?`,
      [trips.flatMap((id) => [1, 2, 3].map((version) => [id, version, 'accepted', 0, 'laravel', now]))],
    )
    await pool.query('ANALYZE TABLE trip_requests, trip_status, trip_offers, trip_transitions, trip_details')
  }
})
