import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Pool } from '../db/pools.ts'
import { createTripIn } from '../src/matching/trips/create.ts'
import { moveTripIn, type TripMove } from '../src/matching/trips/move.ts'
import { readTrip } from '../src/matching/trips/trip-reader.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import {
  createdTrip,
  historyOf,
  inTx,
  laravelStores,
  moveOf,
  orderOf,
  stampsOf,
  tripRow,
} from './support/trips.ts'

let database: TestDatabase
let pool: Pool

beforeAll(async () => {
  database = await testDatabase('trip-creation')
  pool = database.pool
})
afterAll(() => database?.drop())

const create = (more: Parameters<typeof orderOf>[0] = {}) =>
  inTx(pool, (connection) => createTripIn(connection, orderOf(more)))
const move = (tripId: string, to: TripMove['to'], more: Partial<TripMove> = {}) =>
  inTx(pool, (connection) => moveTripIn(connection, tripId, moveOf(to, more)))

describe('createTripIn', () => {
  it("stores a trip in Laravel's words and tells it as it was ordered", async () => {
    const order = orderOf()
    const creation = await inTx(pool, (connection) => createTripIn(connection, order))
    expect(creation).toMatchObject({
      kind: 'created',
      trip: {
        id: order.tripId,
        status: 'pending',
        state: 'pending',
        version: 1,
        customerId: 'customer-1',
        driverId: null,
        details: { pickup: order.pickup, destination: order.destination, estimatedFare: order.estimatedFare },
      },
    })
    expect(await tripRow(pool, order.tripId)).toMatchObject({
      customer_id: 'customer-1',
      zone_id: 'zone-1',
      vehicle_category_id: 'car',
      estimated_fare: '120.500',
      payment_method: 'cash',
      payment_status: 'unpaid',
      type: 'ride_request',
      current_status: 'pending',
    })
    expect(await historyOf(pool, order.tripId)).toEqual(['>pending'])
    expect(await stampsOf(pool, order.tripId)).toEqual(['pending'])
  })

  it.each([
    ['JPY', 1_500n, '1500.000'],
    ['KWD', 1_234n, '1.234'],
    ['EGP', 10n ** 15n, '10000000000000.000'],
  ])('writes fares of %s in its own units', async (currency, amountMinor, stored) => {
    const { id } = await createdTrip(pool, { estimatedFare: { amountMinor, currency } })
    expect((await tripRow(pool, id)).estimated_fare).toBe(stored)
    expect((await readTrip(pool, id))?.details?.estimatedFare).toEqual({ amountMinor, currency })
  })

  it('knows it again, wherever it is by now, and tells what is said otherwise', async () => {
    const { id: tripId } = await createdTrip(pool)
    expect(await create({ tripId })).toMatchObject({ kind: 'existing' })
    await move(tripId, 'cancelled')
    expect(await create({ tripId, paymentMethod: null })).toMatchObject({
      kind: 'existing',
      trip: { state: 'cancelled' },
    })
    const destination = { latitude: 30, longitude: 31.4056, address: null }
    const estimatedFare = { amountMinor: 1n, currency: 'EGP' }
    expect(
      await create({ tripId, destination, estimatedFare, customerId: 'x', policy: 'batch' }),
    ).toMatchObject({
      kind: 'different',
      fields: ['customerId', 'destination.latitude', 'estimatedFareMinor', 'policy'],
    })
    expect(await historyOf(pool, tripId)).toEqual(['>pending', 'pending>cancelled'])
  })

  it('knows a place again, with however many digits it is said', async () => {
    const pickup = { latitude: -0.123456785, longitude: 179.99999999999, address: null }
    const { id: tripId, details } = await createdTrip(pool, { pickup })
    expect(details?.pickup).toEqual({ latitude: -0.1234568, longitude: 180, address: null })
    expect(await create({ tripId, pickup })).toMatchObject({ kind: 'existing' })
    expect(await create({ tripId, pickup: { ...pickup, longitude: 179.9999999 } })).toMatchObject({
      kind: 'different',
      fields: ['pickup.longitude'],
    })
  })

  it('adopts a trip that Laravel has stored, and leaves it as it is', async () => {
    const order = orderOf({ zoneId: null })
    await laravelStores(pool, order.tripId, { zone_id: 'zone-9', estimated_fare: '7.000' })
    const before = await tripRow(pool, order.tripId)
    expect(await inTx(pool, (connection) => createTripIn(connection, order))).toMatchObject({
      kind: 'created',
      trip: { details: { isAdopted: true, zoneId: 'zone-9' } },
    })
    expect(await tripRow(pool, order.tripId)).toEqual(before)
    expect(await historyOf(pool, order.tripId)).toEqual(['>pending!'])
  })

  it('adopts none that no longer waits, is of somebody else, or was deleted', async () => {
    const [gone, other, deleted] = [orderOf(), orderOf(), orderOf()]
    await laravelStores(pool, gone.tripId, { current_status: 'accepted', driver_id: 'd-gone' })
    await laravelStores(pool, other.tripId, { customer_id: 'customer-2' })
    await laravelStores(pool, deleted.tripId, { deleted_at: new Date() })
    expect(await create(gone)).toMatchObject({ kind: 'not_pending', trip: { status: 'accepted' } })
    expect(await create(other)).toMatchObject({ kind: 'different', fields: ['customerId'] })
    expect(await create(deleted)).toEqual({ kind: 'unknown', why: 'deleted' })
    for (const { tripId } of [gone, other, deleted]) expect(await historyOf(pool, tripId)).toEqual([])
  })

  it('leaves a trip to Laravel whose table must have what was not said', async () => {
    const zone = (nullable: string) =>
      pool.query(`ALTER TABLE trip_requests MODIFY zone_id CHAR(36) ${nullable}`)
    await pool.query('DELETE FROM trip_requests WHERE zone_id IS NULL')
    await zone('NOT NULL')
    try {
      expect(await create({ zoneId: null })).toEqual({ kind: 'unknown', why: 'laravel_first' })
    } finally {
      await zone('NULL')
    }
  })

  it('by many at once is created once', async () => {
    const { tripId } = orderOf()
    const creations = await Promise.all(Array.from({ length: 6 }, () => create({ tripId })))
    expect(creations.map(({ kind }) => kind).sort()).toEqual(['created', ...Array(5).fill('existing')])
    expect(await historyOf(pool, tripId)).toEqual(['>pending'])
  })
})
