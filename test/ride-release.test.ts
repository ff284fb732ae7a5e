import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Id } from '../src/base/ids.ts'
import { acceptTripIn } from '../src/matching/trips/accept.ts'
import { moveTripIn } from '../src/matching/trips/move.ts'
import { PUSHES } from '../src/realtime/protocol/pushes.ts'
import {
  createdTrip,
  gaveUp,
  historyOf,
  inTx,
  laravelStores,
  moveOf,
  offer,
  offerState,
  stampsOf,
  tripRow,
} from './support/trips.ts'
import { newDriver, TwoProcesses } from './support/two-processes.ts'

let two: TwoProcesses

beforeAll(async () => {
  two = await TwoProcesses.open('ride-release')
})
afterAll(() => two?.close())

const dispatchesOf = (rideId: string) =>
  two.rows('SELECT policy, round FROM trip_dispatches WHERE trip_id = ?', [rideId])
describe('a driver who gives his ride up before the start', () => {
  it('is free, and the ride waits for another, as it did at first', async () => {
    const { rideId, rider, driver } = await two.acceptedRide()
    await two.say(driver, 'driver:arrived', { rideId })
    two.here.wakes.length = 0
    const { reply } = await two.say(driver, 'ride:cancel', { rideId, reason: 'a flat' })
    expect(reply?.data).toMatchObject({ rideId, status: 'pending', state: 'pending', driverId: null })
    expect(await tripRow(two.pool, rideId)).toMatchObject({
      ...{ current_status: 'pending', driver_id: null, otp: null },
    })
    expect(await historyOf(two.pool, rideId)).toEqual([
      ...['>pending', 'pending>accepted', 'accepted>arrived', 'arrived>pending'],
    ])
    expect(await stampsOf(two.pool, rideId)).toEqual(['pending'])
    expect(await dispatchesOf(rideId)).toHaveLength(1)
    expect(two.here.wakes).toEqual([rideId])
    const last = { status: 'pending', driverId: null, releasedDriverId: driver.user.userId, reason: 'a flat' }
    for (const user of [rider, driver]) {
      const told = (await two.feedOf(user)).at(-1)
      expect(told).toMatchObject({ event: 'ride:redispatched', data: { rideId, ...last } })
      PUSHES['ride:redispatched'].data.strict().parse(told?.data)
    }
    const callbacks = await two.callbacksOf(rideId)
    expect(callbacks.map(({ event }) => event)).toEqual([
      'ride.accepted',
      'ride.arrived',
      'ride.redispatched',
    ])
    expect(callbacks[2]?.data).toMatchObject({ rideId, by: 'driver', ...last })
  })

  it('is remembered as the one who did, for each ride', async () => {
    const [first, second] = [await two.acceptedRide(), await two.acceptedRide()]
    const { id: kept } = await createdTrip(two.pool)
    await two.say(first.driver, 'ride:cancel', { rideId: first.rideId })
    await two.say(second.driver, 'ride:cancel', { rideId: second.rideId })
    const next = newDriver()
    await two.accept(next, first.rideId, await offer(two.pool, first.rideId, next.user.userId))
    await two.say(next, 'ride:cancel', { rideId: first.rideId })
    const found = await gaveUp(two.pool, [first.rideId, second.rideId, kept])
    expect(found).toEqual(
      new Map([
        [first.rideId, new Set([first.driver.user.userId, next.user.userId])],
        [second.rideId, new Set([second.driver.user.userId])],
      ]),
    )
  })

  it('cannot take it back by the offer that he had; another may by his own, and has a code of his own', async () => {
    const { rideId, rider, driver, offerId } = await two.acceptedRide()
    await two.say(driver, 'ride:cancel', { rideId })
    expect((await two.accept(driver, rideId, offerId)).reply?.error?.code).toBe('offer_closed')
    const next = newDriver()
    const { reply } = await two.accept(next, rideId, await offer(two.pool, rideId, next.user.userId))
    expect(reply?.data).toMatchObject({ driverId: next.user.userId, state: 'accepted' })
    expect((await two.accept(driver, rideId, offerId)).reply?.error?.code).toBe('trip_taken')
    expect(await dispatchesOf(rideId)).toEqual([])
    const codes = (await two.feedOf(rider)).flatMap(({ event, data }) =>
      event === 'ride:driver_details' ? [data.driverId] : [],
    )
    expect(codes).toEqual([driver.user.userId, next.user.userId])
    expect((await two.say(driver, 'ride:cancel', { rideId })).reply?.error?.code).toBe('trip_unknown')
    expect((await tripRow(two.pool, rideId)).driver_id).toBe(next.user.userId)
  })

  it('said again by its id is answered word for word, also when another drives by then', async () => {
    const { rideId, driver } = await two.acceptedRide()
    const first = await two.here.say(driver, 'ride:cancel', { rideId }, 'give-up')
    const next = newDriver()
    await two.accept(next, rideId, await offer(two.pool, rideId, next.user.userId))
    const again = await two.there.say(driver, 'ride:cancel', { rideId }, 'give-up')
    expect(again.text).toBe(first.text)
    expect((await tripRow(two.pool, rideId)).driver_id).toBe(next.user.userId)
  })
})

describe('a ride that its driver cancels', () => {
  it('after the start is over', async () => {
    const { rideId, driver } = await two.acceptedRide()
    const { otp } = await tripRow(two.pool, rideId)
    await two.say(driver, 'ride:start', { rideId, otp })
    expect((await two.say(driver, 'ride:cancel', { rideId })).reply?.data).toMatchObject({
      state: 'cancelled',
    })
    expect(await dispatchesOf(rideId)).toEqual([])
  })

  it('is over, too, where nobody knows what was ordered', async () => {
    const [rideId, driver] = [randomUUID(), newDriver()]
    await laravelStores(two.pool, rideId, { driver_id: driver.user.userId, current_status: 'accepted' })
    expect((await two.say(driver, 'ride:cancel', { rideId })).reply?.data).toMatchObject({
      state: 'cancelled',
    })
  })
})

describe('a ride whose acceptance Laravel undoes by hand', () => {
  it('is observed and not announced, and may be given up all the same', async () => {
    const { rideId, rider } = await two.acceptedRide()
    await two.rows("UPDATE trip_requests SET current_status = 'pending', driver_id = NULL WHERE id = ?", [
      rideId,
    ])
    const given = await inTx(two.pool, (connection) =>
      moveTripIn(connection, rideId, moveOf('accepted', { driverId: randomUUID() })),
    )
    expect(given).toMatchObject({
      kind: 'moved',
      steps: [{ observed: true, to: 'pending' }, { to: 'accepted' }],
    })
    expect(await two.eventsOf(rider)).not.toContain('ride:redispatched')
    expect(await gaveUp(two.pool, [rideId])).toEqual(new Map())
  })
})

describe('an acceptance, a release and a cancellation at the same moment', () => {
  it('leave one story, whatever their order, over two processes', async () => {
    for (let round = 0; round < 12; round += 1) {
      const { rideId, rider, driver } = await two.acceptedRide()
      const next = newDriver()
      const offerId = await offer(two.pool, rideId, next.user.userId)
      const [released, cancelled, taken] = await Promise.all([
        two.say(driver, 'ride:cancel', { rideId }),
        two.say(rider, 'ride:cancel', { rideId }, two.there),
        two.accept(next, rideId, offerId, two.there),
      ])
      const row = await tripRow(two.pool, rideId)
      expect(cancelled.reply?.ok).toBe(true)
      expect([row.current_status, await dispatchesOf(rideId)]).toEqual(['cancelled', []])
      const history = await historyOf(two.pool, rideId)
      expect(history.at(-1)).toMatch(/>cancelled$/)
      expect(history.includes('accepted>pending')).toBe(
        released.reply?.ok === true && released.reply.data?.state === 'pending',
      )
      expect(history.filter((step) => step === 'pending>accepted')).toHaveLength(taken.reply?.ok ? 2 : 1)
      expect(await offerState(two.pool, offerId)).not.toBe('offered')
    }
  })

  it('of two drivers who accept a released ride, one has it', async () => {
    const { rideId, driver } = await two.acceptedRide()
    await two.say(driver, 'ride:cancel', { rideId })
    const drivers = ['n-1', 'n-2', 'n-3', 'n-4']
    const offers = await Promise.all(drivers.map((one) => offer(two.pool, rideId, one)))
    const kinds = await Promise.all(
      drivers.map((driverId, n) =>
        inTx(n % 2 === 0 ? two.here.pool : two.there.pool, (connection) =>
          acceptTripIn(connection, { tripId: rideId, driverId, offerId: offers[n] as Id }),
        ),
      ),
    )
    expect(kinds.map(({ kind }) => kind).sort()).toEqual(['accepted', 'taken', 'taken', 'taken'])
  })
})
