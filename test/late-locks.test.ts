import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Pool } from '../db/pools.ts'
import type { RowDataPacket } from '../db/rows.ts'
import { playRound } from '../src/matching/dispatch/rounds.ts'
import { acceptTripIn } from '../src/matching/trips/accept.ts'
import { asked, biddingTrip, bidOf, choose, place } from './support/bids.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { Map2d, openDispatchNode, QUICK, requestedTrip, workingDriver } from './support/dispatch.ts'
import { waitForLockWait } from './support/locks.ts'
import { createdTrip, inTx, offer, tripRow } from './support/trips.ts'

const HELD_MS = 700

let database: TestDatabase
let pool: Pool

beforeAll(async () => {
  database = await testDatabase('late-locks')
  pool = database.pool
})
afterAll(() => database?.drop())

/** What comes of it when it waits for what this locks, until the deadlines of the trip's offers and bids have passed. */
async function held<T>(tripId: string, table: string, work: () => Promise<T>): Promise<T> {
  await pool.query(
    'UPDATE trip_offers SET expires_at = UTC_TIMESTAMP(3) + INTERVAL 2 SECOND WHERE trip_id = ?',
    [tripId],
  )
  await pool.query(
    'UPDATE trip_bids SET expires_at = (SELECT MAX(expires_at) FROM trip_offers WHERE trip_id = ?) WHERE trip_id = ?',
    [tripId, tripId],
  )
  const holder = await pool.getConnection()
  await holder.query('START TRANSACTION')
  await holder.query('SELECT 1 FROM ?? WHERE trip_id = ? FOR UPDATE', [table, tripId])
  const working = work()
  await waitForLockWait(database.address, 'SELECT')
  for (;;) {
    const [rows] = await pool.query<RowDataPacket[]>(
      'SELECT 1 FROM trip_offers WHERE trip_id = ? AND expires_at > UTC_TIMESTAMP(3)',
      [tripId],
    )
    if (rows.length === 0) break
    await pause(50)
  }
  await holder.query('ROLLBACK')
  holder.release()
  return working
}

describe('a deadline that passes while a lock is waited for', () => {
  test('has passed for the driver who accepts', async () => {
    const { id } = await createdTrip(pool)
    const offerId = await offer(pool, id, 'd-accepts')
    const accepted = await held(id, 'trip_offers', () =>
      inTx(pool, (connection) => acceptTripIn(connection, { tripId: id, driverId: 'd-accepts', offerId })),
    )
    expect(accepted).toEqual({ kind: 'offer_expired' })
    expect((await tripRow(pool, id)).current_status).toBe('pending')
  })

  test.each(['trip_offers', 'trip_bids'])('has passed for the rider who chooses: %s', async (table) => {
    const { id } = await biddingTrip(pool)
    const bid = await bidOf(pool, id, `d-${table}`)
    expect(await held(id, table, () => choose(pool, id, bid.id))).toEqual({ kind: 'bid_expired' })
    expect((await tripRow(pool, id)).current_status).toBe('pending')
  })

  test('has passed for the driver who bids', async () => {
    const { id } = await biddingTrip(pool)
    await asked(pool, id, 'd-bids')
    expect(await held(id, 'trip_offers', () => place(pool, id, 'd-bids'))).toEqual({ kind: 'offer_expired' })
  })
})

test('a driver has the whole time for an offer that waited for its trip', async () => {
  const map = new Map2d()
  const node = openDispatchNode(database, map, QUICK)
  await workingDriver(database, 'd-asked')
  map.put('d-asked', { latitude: 30.045, longitude: 31.236 })
  const { id } = await requestedTrip(database, QUICK, { customerId: 'c-waits' })
  const holder = await pool.getConnection()
  await holder.query('START TRANSACTION')
  await holder.query('SELECT 1 FROM trip_requests WHERE id = ? FOR UPDATE', [id])
  const playing = playRound(node.tools, id)
  await waitForLockWait(database.address, 'SELECT')
  await pause(HELD_MS)
  await holder.query('ROLLBACK')
  holder.release()
  await playing
  const [[made]] = await pool.query<RowDataPacket[]>(
    'SELECT TIMESTAMPDIFF(MICROSECOND, created_at, expires_at) / 1000 AS ms FROM trip_offers WHERE trip_id = ?',
    [id],
  )
  expect(Number(made?.ms)).toBeGreaterThan(QUICK.offerMs - HELD_MS / 2)
  await node.dispatcher.stop(1_000)
  await node.pool.end()
})
