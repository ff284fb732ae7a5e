import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { migrate } from '../db/migrate.ts'
import { openPool, type Pool } from '../db/pools.ts'
import type { RowDataPacket } from '../db/rows.ts'
import { driversFreedIn, driverTakenIn } from '../src/matching/drivers/availability.ts'
import { setDriverOnline, setDriversOffline } from '../src/matching/drivers/driver-store.ts'
import { acceptTripIn } from '../src/matching/trips/accept.ts'
import { moveTripIn, type TripMove } from '../src/matching/trips/move.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { keysOf } from './support/explain.ts'
import { loadLaravelSchema } from './support/migrations.ts'
import { createdTrip, inTx, laravelStores, moveOf, offer } from './support/trips.ts'

let database: TestDatabase
let pool: Pool

beforeAll(async () => {
  database = await testDatabase('driver-availability')
  pool = openPool(database.address, { connectionLimit: 4, lockWaitSeconds: 5 })
})
afterAll(async () => {
  await pool?.end()
  await database?.drop()
})

const online = (driverId: string) => inTx(pool, (connection) => setDriverOnline(connection, driverId))
const move = (tripId: string, to: TripMove['to'], more: Partial<TripMove> = {}) =>
  inTx(pool, (connection) => moveTripIn(connection, tripId, moveOf(to, more)))

async function rideOf(driverId: string): Promise<string> {
  const { id: tripId } = await createdTrip(pool)
  const offerId = await offer(pool, tripId, driverId)
  const { kind } = await inTx(pool, (connection) => acceptTripIn(connection, { tripId, driverId, offerId }))
  expect(kind).toBe('accepted')
  return tripId
}

async function dutyOf(driverId: string): Promise<string | null> {
  const [rows] = await pool.query<RowDataPacket[]>(
    'SELECT is_online, availability_status FROM driver_details WHERE user_id = ?',
    [driverId],
  )
  return rows[0] ? `${rows[0].is_online} ${rows[0].availability_status}` : null
}

async function idleOf(driverId: string): Promise<boolean | null> {
  const [rows] = await pool.query<RowDataPacket[]>(
    'SELECT idle_since > UTC_TIMESTAMP(3) - INTERVAL 1 MINUTE AS fresh FROM driver_standings WHERE driver_id = ?',
    [driverId],
  )
  return rows[0] ? Number(rows[0].fresh) === 1 : null
}

describe('a driver', () => {
  it('who accepts is on a trip, whoever tells of it, and a driver without a row is passed by', async () => {
    const [mine, given] = [randomUUID(), randomUUID()]
    for (const driver of [mine, given]) await online(driver)
    await rideOf(mine)
    const { id } = await createdTrip(pool)
    await move(id, 'accepted', { driverId: given })
    expect([await dutyOf(mine), await dutyOf(given)]).toEqual(['1 on_trip', '1 on_trip'])
    const unknown = randomUUID()
    await move(await rideOf(unknown), 'cancelled')
    expect(await dutyOf(unknown)).toBeNull()
  })

  it.each(['completed', 'cancelled', 'pending'] as const)(
    'is free when his ride is %s, and idle from then on',
    async (to) => {
      const driverId = randomUUID()
      await online(driverId)
      const tripId = await rideOf(driverId)
      if (to === 'completed') await move(tripId, 'ongoing')
      await pool.query(
        `INSERT INTO driver_standings (driver_id, acceptance, idle_since) VALUES (?, 0.25, '2026-01-01')
       ON DUPLICATE KEY UPDATE acceptance = 0.25, idle_since = '2026-01-01'`,
        [driverId],
      )
      await move(tripId, to)
      expect([await dutyOf(driverId), await idleOf(driverId)]).toEqual(['1 available', true])
      const [[standing]] = await pool.query<RowDataPacket[]>(
        'SELECT acceptance FROM driver_standings WHERE driver_id = ?',
        [driverId],
      )
      expect(standing?.acceptance).toBe(0.25)
    },
  )

  it('who went offline on his ride is unavailable after it', async () => {
    const driverId = randomUUID()
    await online(driverId)
    const tripId = await rideOf(driverId)
    await inTx(pool, (connection) => setDriversOffline(connection, [driverId]))
    expect(await dutyOf(driverId)).toBe('0 on_trip')
    await move(tripId, 'cancelled')
    expect(await dutyOf(driverId)).toBe('0 unavailable')
  })

  it('whose parcel ends while he is on a ride stays on a trip', async () => {
    const [driverId, parcel] = [randomUUID(), randomUUID()]
    await online(driverId)
    await laravelStores(pool, parcel, { type: 'parcel', driver_id: driverId, current_status: 'ongoing' })
    const tripId = await rideOf(driverId)
    await move(parcel, 'completed')
    expect(await dutyOf(driverId)).toBe('1 on_trip')
    await move(tripId, 'cancelled')
    expect(await dutyOf(driverId)).toBe('1 available')
  })

  it('whose ride ends as he goes online or offline is as free as he is then, whichever came first', async () => {
    for (let round = 0; round < 20; round += 1) {
      const driverId = randomUUID()
      await online(driverId)
      const tripId = await rideOf(driverId)
      const isOnline = round % 2 === 0
      const turn = isOnline
        ? online(driverId)
        : inTx(pool, (connection) => setDriversOffline(connection, [driverId]))
      await Promise.all([move(tripId, 'cancelled'), turn])
      expect(await dutyOf(driverId)).toBe(isOnline ? '1 available' : '0 unavailable')
    }
  })

  it('who is told to go offline by one who saw his ride before it ended is not left on a trip', async () => {
    const driverId = randomUUID()
    await online(driverId)
    const tripId = await rideOf(driverId)
    let offline: Promise<number> = Promise.resolve(0)
    await inTx(pool, async (connection) => {
      await moveTripIn(connection, tripId, moveOf('cancelled'))
      offline = inTx(pool, (other) => setDriversOffline(other, [driverId]))
      // Until the other one waits for the driver's row, his ride is not over for it.
      await expect
        .poll(async () => {
          const [waiting] = await pool.query<RowDataPacket[]>(
            "SELECT 1 FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'",
          )
          return waiting.length
        })
        .toBeGreaterThan(0)
    })
    expect(await offline).toBe(1)
    expect(await dutyOf(driverId)).toBe('0 unavailable')
  })
})

describe.each(['stand-alone', "in Laravel's database"])('the statements, %s', (where) => {
  it('use the index of drivers', async () => {
    const own = await testDatabase('driver-availability-explain', { migrated: false })
    if (where !== 'stand-alone') await loadLaravelSchema(own.address)
    await migrate(own.address)
    const ids = Array.from({ length: 500 }, () => randomUUID())
    await own.pool.query('INSERT INTO driver_details (user_id, is_online, availability_status) VALUES ?', [
      ids.map((id) => [id, '1', 'on_trip']),
    ])
    await own.pool.query('ANALYZE TABLE driver_details')
    const [one = ''] = ids
    expect(await keysOf(own, (connection) => driverTakenIn(connection, one))).toEqual([
      ['driver_details_user_id'],
    ])
    const keys = await keysOf(own, (connection) => driversFreedIn(connection, [one]))
    expect(keys.at(-1)).toEqual(['driver_details_user_id'])
    await own.drop()
  })
})
