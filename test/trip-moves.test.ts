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
  offer,
  offerState,
  orderOf,
  stampsOf,
  tripRow,
} from './support/trips.ts'

let database: TestDatabase
let pool: Pool

beforeAll(async () => {
  database = await testDatabase('trip-moves')
  pool = database.pool
})
afterAll(() => database?.drop())

const create = (more: Parameters<typeof orderOf>[0] = {}) =>
  inTx(pool, (connection) => createTripIn(connection, orderOf(more)))
const move = (tripId: string, to: TripMove['to'], more: Partial<TripMove> = {}) =>
  inTx(pool, (connection) => moveTripIn(connection, tripId, moveOf(to, more)))
const assigned = async (driverId: string) => {
  const { id } = await createdTrip(pool)
  expect(await move(id, 'accepted', { driverId })).toMatchObject({ kind: 'moved' })
  return id
}

describe('moveTripIn', () => {
  it("takes a trip through its life, with each step's row, time and actor", async () => {
    const id = await assigned('d-life')
    const by = { type: 'driver', id: 'd-life' } as const
    await move(id, 'arrived', { by, driverId: 'd-life' })
    await move(id, 'ongoing', { by })
    const done = await move(id, 'completed', { by, finalFare: { amountMinor: 13_000n, currency: 'EGP' } })
    expect(done).toMatchObject({
      kind: 'moved',
      before: { state: 'ongoing' },
      trip: { status: 'completed', driverId: 'd-life', customerId: 'customer-1', version: 5 },
      steps: [{ from: 'ongoing', to: 'completed', observed: false }],
    })
    expect(await historyOf(pool, id)).toEqual([
      '>pending',
      'pending>accepted',
      'accepted>arrived',
      'arrived>ongoing',
      'ongoing>completed',
    ])
    expect(await stampsOf(pool, id)).toEqual(['pending', 'accepted', 'ongoing', 'completed'])
    expect(await tripRow(pool, id)).toMatchObject({ current_status: 'completed', actual_fare: '130.000' })
    const [actors] = await pool.query('SELECT actor_id FROM trip_transitions WHERE trip_id = ?', [id])
    expect(actors).toEqual(
      ['customer-1', null, 'd-life', 'd-life', 'd-life'].map((actor_id) => ({ actor_id })),
    )
  })

  it("keeps Laravel's word while the driver has arrived", async () => {
    const id = await assigned('d-arrived')
    expect(await move(id, 'arrived')).toMatchObject({ trip: { status: 'accepted', state: 'arrived' } })
    expect((await tripRow(pool, id)).current_status).toBe('accepted')
    expect(await readTrip(pool, id)).toMatchObject({ status: 'accepted', state: 'arrived' })
  })

  it('said again changes nothing; a way that there is not is refused', async () => {
    const id = await assigned('d-again')
    expect(await move(id, 'completed')).toEqual({ kind: 'not_allowed', from: 'accepted', to: 'completed' })
    await move(id, 'ongoing')
    expect(await move(id, 'ongoing')).toMatchObject({ kind: 'unchanged', trip: { state: 'ongoing' } })
    await move(id, 'cancelled', { reason: 'flat tyre' })
    expect(await move(id, 'completed')).toEqual({ kind: 'not_allowed', from: 'cancelled', to: 'completed' })
    expect(await move('nobody', 'cancelled')).toEqual({ kind: 'unknown' })
    expect(await historyOf(pool, id)).toHaveLength(4)
  })

  it('observes once what Laravel has written itself, and goes on from there', async () => {
    const { id } = await createdTrip(pool)
    const laravel = (status: string) =>
      pool.query("UPDATE trip_requests SET current_status = ?, driver_id = 'd-seen' WHERE id = ?", [
        status,
        id,
      ])
    await laravel('ongoing')
    expect(await move(id, 'ongoing')).toMatchObject({ kind: 'moved', steps: [{ observed: true }] })
    expect(await move(id, 'ongoing')).toMatchObject({ kind: 'unchanged' })
    await laravel('returning')
    expect(await move(id, 'returned')).toMatchObject({ kind: 'moved' })
    expect(await historyOf(pool, id)).toEqual([
      '>pending',
      'pending>ongoing!',
      'ongoing>returning!',
      'returning>returned',
    ])
  })

  it('of a trip that nobody told of begins its history with what stands', async () => {
    await laravelStores(pool, 'old-trip', { current_status: 'accepted', driver_id: 'd-old' })
    expect(await move('old-trip', 'arrived')).toMatchObject({ kind: 'moved', trip: { details: null } })
    expect(await historyOf(pool, 'old-trip')).toEqual(['>accepted!', 'accepted>arrived'])
    await laravelStores(pool, 'odd-trip', { current_status: 'out_for_pickup', driver_id: 'd-odd' })
    expect(await move('odd-trip', 'ongoing')).toEqual({
      kind: 'not_allowed',
      from: 'out_for_pickup',
      to: 'ongoing',
    })
  })

  it("is refused for another driver, another fare or another currency than the trip's", async () => {
    const id = await assigned('d-own')
    expect(await move(id, 'arrived', { driverId: 'd-other' })).toEqual({
      kind: 'different',
      fields: ['driverId'],
    })
    await move(id, 'ongoing')
    const fare = (amountMinor: bigint, currency = 'EGP') => ({ finalFare: { amountMinor, currency } })
    expect(await move(id, 'completed', fare(1n, 'USD'))).toEqual({ kind: 'different', fields: ['currency'] })
    await move(id, 'completed', fare(100n))
    expect(await move(id, 'completed', fare(100n))).toMatchObject({ kind: 'unchanged' })
    expect(await move(id, 'completed', fare(101n))).toEqual({ kind: 'different', fields: ['finalFareMinor'] })
    expect(await readTrip(pool, id)).toMatchObject({ finalFare: { amountMinor: 100n, currency: 'EGP' } })
    const { id: waits } = await createdTrip(pool)
    expect(await move(waits, 'accepted')).toEqual({ kind: 'different', fields: ['driverId'] })
  })

  it('takes a fare that is said later, once', async () => {
    const id = await assigned('d-later')
    await move(id, 'ongoing')
    await move(id, 'completed')
    const fare = (amountMinor: bigint) => ({ finalFare: { amountMinor, currency: 'EGP' } })
    expect(await move(id, 'completed', fare(700n))).toMatchObject({
      kind: 'unchanged',
      trip: { finalFare: { amountMinor: 700n, currency: 'EGP' } },
    })
    expect(await move(id, 'completed', fare(701n))).toMatchObject({ kind: 'different' })
    expect(await readTrip(pool, id)).toMatchObject({ finalFare: { amountMinor: 700n, currency: 'EGP' } })
    expect((await tripRow(pool, id)).actual_fare).toBe('7.000')
    expect(await historyOf(pool, id)).toHaveLength(4)
  })

  it("leaves fares of Laravel's own trips to Laravel", async () => {
    const order = orderOf()
    await laravelStores(pool, order.tripId, { actual_fare: '9.000' })
    await create(order)
    await move(order.tripId, 'accepted', { driverId: 'd-fare' })
    await move(order.tripId, 'ongoing')
    await move(order.tripId, 'completed', { finalFare: { amountMinor: 1_300n, currency: 'EGP' } })
    expect((await tripRow(pool, order.tripId)).actual_fare).toBe('9.000')
    expect((await readTrip(pool, order.tripId))?.finalFare?.amountMinor).toBe(1_300n)
  })

  it('gives a driver one ride, and knows who ended', async () => {
    const first = await assigned('d-busy')
    const { id } = await createdTrip(pool)
    expect(await move(id, 'accepted', { driverId: 'd-busy' })).toEqual({ kind: 'driver_busy' })
    expect(await tripRow(pool, id)).toMatchObject({ current_status: 'pending', driver_id: null })
    await move(first, 'cancelled')
    expect(await move(id, 'accepted', { driverId: 'd-busy' })).toMatchObject({ kind: 'moved' })
  })

  it("ends the offers of a trip that is over, and a given driver's others", async () => {
    const { id: over } = await createdTrip(pool)
    const { id: given } = await createdTrip(pool)
    const offers = {
      over: await offer(pool, over, 'd-1'),
      lost: await offer(pool, given, 'd-2'),
      his: await offer(pool, over, 'd-given'),
      elsewhere: await offer(pool, 'elsewhere', 'd-given'),
    }
    await move(given, 'accepted', { driverId: 'd-given' })
    await move(over, 'cancelled')
    const states = Object.values(offers).map((id) => offerState(pool, id))
    expect(await Promise.all(states)).toEqual(['withdrawn', 'lost', 'withdrawn', 'withdrawn'])
  })

  it('by many at once is recorded once', async () => {
    const id = await assigned('d-many')
    const moves = await Promise.all(Array.from({ length: 6 }, () => move(id, 'arrived')))
    expect(moves.map(({ kind }) => kind).sort()).toEqual(['moved', ...Array(5).fill('unchanged')])
    expect(await historyOf(pool, id)).toHaveLength(3)
  })
})
