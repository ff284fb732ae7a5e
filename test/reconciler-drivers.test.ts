import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { driverTakenIn } from '../src/matching/drivers/availability.ts'
import { acceptTripIn } from '../src/matching/trips/accept.ts'
import { waitForLockWait } from './support/locks.ts'
import { GRACE_MS, ReconcilingWorld } from './support/reconciling.ts'
import { createdTrip, inTx, laravelStores, offer } from './support/trips.ts'

let world: ReconcilingWorld

beforeAll(async () => {
  world = await ReconcilingWorld.begin('reconciler-drivers')
})
afterEach(() => world.clear())
afterAll(() => world?.end())

describe('a driver who is on_trip without a trip', () => {
  it('is free after the grace, and not before', async () => {
    const driverId = await world.driverOnTrip()
    await world.pass()
    world.clock.advance(GRACE_MS - 1)
    await world.pass()
    expect(await world.dutyOf(driverId)).toBe('1 on_trip')
    world.clock.advance(1)
    await world.pass()
    expect(await world.dutyOf(driverId)).toBe('1 available')
  })

  it('is unavailable where he does not work', async () => {
    const driverId = await world.driverOnTrip('0')
    await world.twice()
    expect(await world.dutyOf(driverId)).toBe('0 unavailable')
  })

  it.each([
    ['ride_request', 'accepted'],
    ['ride_request', 'ongoing'],
    ['parcel', 'ongoing'],
    ['parcel', 'returning'],
  ])('is left as he is while a %s is %s', async (type, current_status) => {
    const driverId = await world.driverOnTrip()
    await laravelStores(world.pool, randomUUID(), { type, current_status, driver_id: driverId })
    await world.twice()
    expect(await world.dutyOf(driverId)).toBe('1 on_trip')
  })

  it('begins to count anew when he had a trip in between', async () => {
    const [driverId, tripId] = [await world.driverOnTrip(), randomUUID()]
    await world.pass()
    await laravelStores(world.pool, tripId, {
      ...{ type: 'ride_request', current_status: 'accepted', driver_id: driverId },
    })
    world.clock.advance(GRACE_MS)
    await world.pass()
    await world.laravelWrites(tripId, { current_status: 'completed' })
    world.clock.advance(1)
    await world.pass()
    expect(await world.dutyOf(driverId)).toBe('1 on_trip')
  })

  it('who takes a ride meanwhile stays on it', async () => {
    const driverId = await world.driverOnTrip()
    const { id: tripId } = await createdTrip(world.pool)
    const offerId = await offer(world.pool, tripId, driverId)
    await world.pass()
    world.clock.advance(GRACE_MS)
    const accepting = await world.pool.getConnection()
    await accepting.query('START TRANSACTION')
    const { kind } = await acceptTripIn(accepting, { tripId, driverId, offerId })
    const passed = world.pass()
    await waitForLockWait(world.database.address, 'SELECT user_id FROM driver_details')
    await accepting.query('COMMIT')
    accepting.release()
    await passed
    expect([kind, await world.dutyOf(driverId)]).toEqual(['accepted', '1 on_trip'])
  })

  it('and whose row somebody is about to free is on_trip once he has a ride', async () => {
    const driverId = await world.driverOnTrip()
    const freeing = await world.pool.getConnection()
    await freeing.query('START TRANSACTION')
    await freeing.query(`UPDATE driver_details SET availability_status = 'available' WHERE user_id = ?`, [
      driverId,
    ])
    const taken = inTx(world.pool, (connection) => driverTakenIn(connection, driverId))
    await waitForLockWait(world.database.address, 'UPDATE driver_details')
    await freeing.query('COMMIT')
    freeing.release()
    await taken
    expect(await world.dutyOf(driverId)).toBe('1 on_trip')
  })

  it('is found among many, page by page', async () => {
    await world.replace({ page: 4 })
    const drivers = await Promise.all(Array.from({ length: 11 }, () => world.driverOnTrip()))
    for (let index = 0; index < 9; index += 1) await world.ride()
    await world.twice()
    expect(new Set(await Promise.all(drivers.map((id) => world.dutyOf(id))))).toEqual(
      new Set(['1 available']),
    )
    expect(await world.registry.metrics()).toContain(
      'onceline_matching_corrections_total{what="driver_freed"} 11',
    )
  })
})

describe('reconcilers of several processes', () => {
  it('are one at a time, and another goes on when it has stopped', async () => {
    const driverId = await world.driverOnTrip()
    const other = world.open()
    await world.pass()
    await world.pass(other)
    world.clock.advance(GRACE_MS)
    await world.pass(other)
    expect(await world.dutyOf(driverId)).toBe('1 on_trip')
    await world.reconciler.stop(1_000)
    await world.twice(other)
    expect(await world.dutyOf(driverId)).toBe('1 available')
  })

  it('take over from one that died when its lease is over', async () => {
    const died = world.open({ leaseMs: 1 })
    await world.pass(died)
    await world.pool.query('SELECT SLEEP(0.01)')
    const driverId = await world.driverOnTrip()
    await world.twice()
    expect(await world.dutyOf(driverId)).toBe('1 available')
  })
})
