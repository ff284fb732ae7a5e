import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { DEFAULT_SETTINGS } from '../src/matching/dispatch/settings.ts'
import { GRACE_MS, ReconcilingWorld } from './support/reconciling.ts'
import { createdTrip, gaveUp, historyOf, offer, offerState, tripRow } from './support/trips.ts'

let world: ReconcilingWorld

beforeAll(async () => {
  world = await ReconcilingWorld.begin('reconciler-trips')
})
afterEach(() => world.clear())
afterAll(() => world?.end())

describe('a trip that Laravel moved without telling', () => {
  it('is looked for again where it was taken from its driver; he and the rider hear of it', async () => {
    const { tripId, rider, driverId } = await world.ride()
    await world.laravelWrites(tripId, { current_status: 'pending', driver_id: null })
    await world.pass()
    expect(await world.isSearched(tripId)).toBe(false)
    world.clock.advance(GRACE_MS)
    await world.pass()
    expect([await world.isSearched(tripId), world.wakes]).toEqual([true, [tripId]])
    expect(await historyOf(world.pool, tripId)).toEqual(['>pending', 'pending>accepted', 'accepted>pending!'])
    expect([await world.eventsOf(rider), await world.eventsOf(driverId)]).toEqual([
      ['ride:redispatched'],
      ['ride:redispatched'],
    ])
    expect(world.pushes.map((push) => 'userId' in push && push.userId).toSorted()).toEqual(
      [rider, driverId].toSorted(),
    )
    expect(await world.dutyOf(driverId)).toBe('1 available')
    expect(await gaveUp(world.pool, [tripId])).toEqual(new Map([[tripId, new Set([driverId])]]))
    await world.twice()
    expect(await world.eventsOf(rider)).toEqual(['ride:redispatched'])
  })

  it('is looked for no more where it was cancelled, and whoever was asked hears it', async () => {
    const { tripId, rider } = await world.waitingTrip()
    const asked = randomUUID()
    const offerId = await offer(world.pool, tripId, asked)
    await world.laravelWrites(tripId, { current_status: 'cancelled' })
    await world.twice()
    expect([await world.isSearched(tripId), await offerState(world.pool, offerId)]).toEqual([
      false,
      'withdrawn',
    ])
    expect(await world.eventsOf(rider)).toEqual(['ride:cancelled'])
    expect(world.pushes).toContainEqual(
      expect.objectContaining({ userId: asked, event: 'ride:offer:expired' }),
    )
  })

  it('is looked for no more where it was given away', async () => {
    const { tripId, rider } = await world.waitingTrip()
    const [asked, given] = [randomUUID(), randomUUID()]
    const offerId = await offer(world.pool, tripId, asked)
    await world.laravelWrites(tripId, { current_status: 'accepted', driver_id: given })
    await world.twice()
    expect([await world.isSearched(tripId), await offerState(world.pool, offerId)]).toEqual([false, 'lost'])
    expect([await world.eventsOf(rider), await world.eventsOf(given)]).toEqual([
      ['ride:driver_assigned'],
      ['ride:driver_assigned'],
    ])
  })

  it.each(['ongoing', 'completed', 'cancelled'])('to %s is told to both, once', async (current_status) => {
    const { tripId, rider, driverId } = await world.ride()
    await world.laravelWrites(tripId, { current_status })
    await world.twice()
    await world.twice()
    const event = { ongoing: 'ride:started', completed: 'ride:completed', cancelled: 'ride:cancelled' }
    const told = [event[current_status as keyof typeof event]]
    expect([await world.eventsOf(rider), await world.eventsOf(driverId)]).toEqual([told, told])
    expect(await world.dutyOf(driverId)).toBe(current_status === 'ongoing' ? '1 on_trip' : '1 available')
    expect((await tripRow(world.pool, tripId)).current_status).toBe(current_status)
  })

  it('tells its driver of the end, though Laravel wrote him out of it', async () => {
    const { tripId, driverId } = await world.ride()
    await world.laravelWrites(tripId, { current_status: 'cancelled', driver_id: null })
    await world.twice()
    expect([await world.eventsOf(driverId), await world.dutyOf(driverId)]).toEqual([
      ['ride:cancelled'],
      '1 available',
    ])
  })

  it('waits for a driver, though its search had ended before it was taken back', async () => {
    const { tripId, rider } = await world.waitingTrip()
    await world.pool.query('DELETE FROM trip_dispatches WHERE trip_id = ?', [tripId])
    await world.twice()
    expect([await world.isSearched(tripId), world.wakes, await world.eventsOf(rider)]).toEqual([
      true,
      [tripId],
      [],
    ])
  })

  it('is left alone where it goes on within the grace, where it is searched, and where Laravel is about to give it', async () => {
    const [going, searched, given] = [
      await world.ride(),
      await world.waitingTrip(),
      await world.waitingTrip(),
    ]
    await world.pool.query('DELETE FROM trip_dispatches WHERE trip_id = ?', [given.tripId])
    await world.laravelWrites(given.tripId, { driver_id: randomUUID() })
    await world.laravelWrites(going.tripId, { current_status: 'ongoing' })
    await world.pass()
    world.clock.advance(GRACE_MS)
    await world.laravelWrites(going.tripId, { current_status: 'completed' })
    await world.pass()
    expect(await historyOf(world.pool, going.tripId)).toEqual(['>pending', 'pending>accepted'])
    expect([await historyOf(world.pool, searched.tripId), await historyOf(world.pool, given.tripId)]).toEqual(
      [['>pending'], ['>pending']],
    )
    expect([world.wakes, world.pushes]).toEqual([[], []])
  })

  it('does not wait for another that cannot be put right', async () => {
    const settingsOf = (_zone: string | null, category: string) => {
      if (category === 'broken') throw new Error('no rules')
      return DEFAULT_SETTINGS
    }
    await world.replace({ rules: { settingsOf }, page: 1 })
    await createdTrip(world.pool, { category: 'broken' })
    const { id } = await createdTrip(world.pool)
    await world.twice()
    expect(await world.isSearched(id)).toBe(true)
    expect(await world.registry.metrics()).toContain('onceline_matching_reconciler_failures_total 1')
  })
})
