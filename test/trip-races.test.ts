import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import type { Pool } from '../db/pools.ts'
import type { RowDataPacket } from '../db/rows.ts'
import { idToText } from '../src/base/ids.ts'
import type { TripAccepted } from '../src/matching/trips/accept.ts'
import type { TripMoved } from '../src/matching/trips/move.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { createdTrip, historyOf, offer } from './support/trips.ts'
import { ask, killWorkers, startWorker } from './support/workers.ts'

const ROUNDS = 3
const DRIVERS = 12
const TRIPS = 8

let database: TestDatabase
let pool: Pool

beforeAll(async () => {
  database = await testDatabase('trip-races')
  pool = database.pool
})
afterEach(() => killWorkers())
afterAll(() => database?.drop())

type Kind = TripAccepted['kind'] | TripMoved['kind']

interface Acceptance {
  readonly tripId: string
  readonly driverId: string
  readonly offerId: string | null
}

async function offered(tripId: string, driverId: string): Promise<Acceptance> {
  return { tripId, driverId, offerId: idToText(await offer(pool, tripId, driverId)) }
}

/** Every acceptance in either of two processes, at the same time. */
async function race(acceptances: readonly Acceptance[]): Promise<Kind[]> {
  const workers = await Promise.all([startWorker('accept-trips'), startWorker('accept-trips')])
  const kinds = await Promise.all(
    workers.map((worker, index) =>
      ask<Kind[]>(worker, {
        address: database.address,
        acceptances: acceptances.filter((_, place) => place % 2 === index),
      }),
    ),
  )
  return kinds.flat()
}

async function activeTrips(): Promise<RowDataPacket[]> {
  const [rows] = await pool.query<RowDataPacket[]>(
    `SELECT driver_id, COUNT(*) AS trips FROM trip_requests
     WHERE current_status IN ('accepted', 'ongoing') GROUP BY driver_id HAVING COUNT(*) > 1`,
  )
  return rows
}

it('one trip and many drivers over two processes: one has it, all others hear so', async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const { id } = await createdTrip(pool)
    const drivers = Array.from({ length: DRIVERS }, (_, index) => `d-${round}-${index}`)
    const kinds = await race(await Promise.all(drivers.map((driverId) => offered(id, driverId))))
    expect(kinds.sort()).toEqual(['accepted', ...Array(DRIVERS - 1).fill('taken')])
    expect(await historyOf(pool, id)).toEqual(['>pending', 'pending>accepted'])
  }
})

it('one driver and many trips over two processes: he has one', async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const trips = await Promise.all(Array.from({ length: TRIPS }, () => createdTrip(pool)))
    const kinds = await race(await Promise.all(trips.map(({ id }) => offered(id, `one-${round}`))))
    expect(kinds.sort()).toEqual(['accepted', ...Array(TRIPS - 1).fill('driver_busy')])
  }
  expect(await activeTrips()).toEqual([])
})

it('one driver who accepts while Laravel gives him other rides: he has one', async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const driverId = `given-${round}`
    const acceptances: Acceptance[] = []
    for (let index = 0; index < TRIPS; index += 1) {
      const { id: tripId } = await createdTrip(pool)
      // In pairs, so that either process has both kinds.
      acceptances.push(index % 4 < 2 ? { tripId, driverId, offerId: null } : await offered(tripId, driverId))
    }
    const kinds = await race(acceptances)
    expect(kinds.filter((kind) => kind === 'accepted' || kind === 'moved')).toHaveLength(1)
    expect(kinds.filter((kind) => kind === 'driver_busy')).toHaveLength(TRIPS - 1)
  }
  expect(await activeTrips()).toEqual([])
})

it('every driver has every trip offered: each trip has one driver, each driver one trip', async () => {
  const trips = await Promise.all(Array.from({ length: TRIPS }, () => createdTrip(pool)))
  const acceptances: Acceptance[] = []
  for (let index = 0; index < TRIPS; index += 1)
    for (const { id } of trips) acceptances.push(await offered(id, `all-${index}`))
  const kinds = await race(acceptances)
  const won = kinds.filter((kind) => kind === 'accepted')
  expect(won.length).toBeGreaterThan(0)
  expect(won.length).toBeLessThanOrEqual(TRIPS)
  const [rows] = await pool.query<RowDataPacket[]>(
    "SELECT COUNT(*) AS n, COUNT(DISTINCT driver_id) AS drivers FROM trip_requests WHERE driver_id LIKE 'all-%'",
  )
  expect([Number(rows[0]?.n), Number(rows[0]?.drivers)]).toEqual([won.length, won.length])
  expect(await activeTrips()).toEqual([])
})
