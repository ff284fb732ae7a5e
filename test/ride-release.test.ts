import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RowDataPacket } from '../db/rows.ts'
import { type Id, idToText } from '../src/base/ids.ts'
import { acceptTripIn } from '../src/matching/trips/accept.ts'
import { moveTripIn } from '../src/matching/trips/move.ts'
import { driversWhoGaveUp } from '../src/matching/trips/release.ts'
import { PUSHES } from '../src/realtime/protocol/pushes.ts'
import { type OpenCommands, openCommands, StandInConnection } from './support/commands.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import {
  createdTrip,
  historyOf,
  inTx,
  laravelStores,
  moveOf,
  offer,
  offerState,
  stampsOf,
  tripRow,
} from './support/trips.ts'

let database: TestDatabase
let here: OpenCommands
let there: OpenCommands

beforeAll(async () => {
  database = await testDatabase('ride-release')
  here = openCommands(database)
  there = openCommands(database)
})
afterAll(async () => {
  await here?.close()
  await there?.close()
  await database?.drop()
})

const say = (connection: StandInConnection, event: string, data: object, on = here) =>
  on.say(connection, event, data, randomUUID())

async function rows(sql: string, values: readonly unknown[]): Promise<RowDataPacket[]> {
  const [found] = await database.pool.query<RowDataPacket[]>(sql, [...values])
  return found
}

const dispatchesOf = (rideId: string) =>
  rows('SELECT policy, round FROM trip_dispatches WHERE trip_id = ?', [rideId])
const feedOf = async ({ user }: StandInConnection) =>
  (await rows('SELECT event, data FROM feed_messages WHERE user_id = ? ORDER BY seq', [user.userId])).map(
    ({ event, data }) => [event, JSON.parse(data)] as const,
  )
const eventsOf = async (connection: StandInConnection) => (await feedOf(connection)).map(([event]) => event)

interface Ride {
  readonly rideId: string
  readonly rider: StandInConnection
  readonly driver: StandInConnection
  readonly offerId: Id
}

/** A ride that a driver has accepted by an offer. */
async function acceptedRide(): Promise<Ride> {
  const rider = new StandInConnection(randomUUID(), 'customer')
  const driver = new StandInConnection(randomUUID(), 'driver')
  const { id: rideId } = await createdTrip(database.pool, { customerId: rider.user.userId })
  const offerId = await offer(database.pool, rideId, driver.user.userId)
  await accept(driver, rideId, offerId)
  return { rideId, rider, driver, offerId }
}

async function accept(driver: StandInConnection, rideId: string, offerId: Id, on = here) {
  return say(driver, 'driver:accept:ride', { rideId, offerId: idToText(offerId) }, on)
}

describe('a driver who gives his ride up before the start', () => {
  it('is free, and the ride waits for another, as it did at first', async () => {
    const { rideId, rider, driver } = await acceptedRide()
    await say(driver, 'driver:arrived', { rideId })
    here.wakes.length = 0
    const { reply } = await say(driver, 'ride:cancel', { rideId, reason: 'a flat' })
    expect(reply?.data).toMatchObject({ rideId, status: 'pending', state: 'pending', driverId: null })
    expect(await tripRow(database.pool, rideId)).toMatchObject({
      ...{ current_status: 'pending', driver_id: null, otp: null },
    })
    expect(await historyOf(database.pool, rideId)).toEqual([
      ...['>pending', 'pending>accepted', 'accepted>arrived', 'arrived>pending'],
    ])
    expect(await stampsOf(database.pool, rideId)).toEqual(['pending'])
    expect(await dispatchesOf(rideId)).toHaveLength(1)
    expect(here.wakes).toEqual([rideId])
    const last = { status: 'pending', driverId: null, releasedDriverId: driver.user.userId, reason: 'a flat' }
    for (const user of [rider, driver]) {
      const [event, data] = (await feedOf(user)).at(-1) ?? []
      expect([event, data]).toMatchObject(['ride:redispatched', { rideId, ...last }])
      PUSHES['ride:redispatched'].data.strict().parse(data)
    }
    const callbacks = await rows('SELECT event, payload FROM outbox WHERE ordering_key = ? ORDER BY seq', [
      rideId,
    ])
    expect(callbacks.map(({ event }) => event)).toEqual([
      'ride.accepted',
      'ride.arrived',
      'ride.redispatched',
    ])
    expect(JSON.parse(callbacks[2]?.payload)).toMatchObject({ rideId, by: 'driver', ...last })
  })

  it('is remembered as the one who did, for each ride', async () => {
    const [first, second] = [await acceptedRide(), await acceptedRide()]
    const { id: kept } = await createdTrip(database.pool)
    await say(first.driver, 'ride:cancel', { rideId: first.rideId })
    await say(second.driver, 'ride:cancel', { rideId: second.rideId })
    const next = new StandInConnection(randomUUID(), 'driver')
    await accept(next, first.rideId, await offer(database.pool, first.rideId, next.user.userId))
    await say(next, 'ride:cancel', { rideId: first.rideId })
    const gaveUp = await driversWhoGaveUp(database.pool, [first.rideId, second.rideId, kept])
    expect(gaveUp).toEqual(
      new Map([
        [first.rideId, new Set([first.driver.user.userId, next.user.userId])],
        [second.rideId, new Set([second.driver.user.userId])],
      ]),
    )
    expect(await driversWhoGaveUp(database.pool, [])).toEqual(new Map())
  })

  it('cannot take it back by the offer that he had; another may by his own, and has a code of his own', async () => {
    const { rideId, rider, driver, offerId } = await acceptedRide()
    await say(driver, 'ride:cancel', { rideId })
    expect((await accept(driver, rideId, offerId)).reply?.error?.code).toBe('offer_closed')
    const next = new StandInConnection(randomUUID(), 'driver')
    const { reply } = await accept(next, rideId, await offer(database.pool, rideId, next.user.userId))
    expect(reply?.data).toMatchObject({ driverId: next.user.userId, state: 'accepted' })
    expect((await accept(driver, rideId, offerId)).reply?.error?.code).toBe('trip_taken')
    expect(await dispatchesOf(rideId)).toEqual([])
    const codes = (await feedOf(rider)).flatMap(([event, data]) =>
      event === 'ride:driver_details' ? [data.driverId] : [],
    )
    expect(codes).toEqual([driver.user.userId, next.user.userId])
    expect((await say(driver, 'ride:cancel', { rideId })).reply?.error?.code).toBe('trip_unknown')
    expect((await tripRow(database.pool, rideId)).driver_id).toBe(next.user.userId)
  })

  it('said again by its id is answered word for word, also when another drives by then', async () => {
    const { rideId, driver } = await acceptedRide()
    const first = await here.say(driver, 'ride:cancel', { rideId }, 'give-up')
    const next = new StandInConnection(randomUUID(), 'driver')
    await accept(next, rideId, await offer(database.pool, rideId, next.user.userId))
    const again = await there.say(driver, 'ride:cancel', { rideId }, 'give-up')
    expect(again.text).toBe(first.text)
    expect((await tripRow(database.pool, rideId)).driver_id).toBe(next.user.userId)
  })
})

describe('a ride that its driver cancels', () => {
  it('after the start is over', async () => {
    const { rideId, driver } = await acceptedRide()
    const { otp } = await tripRow(database.pool, rideId)
    await say(driver, 'ride:start', { rideId, otp })
    expect((await say(driver, 'ride:cancel', { rideId })).reply?.data).toMatchObject({ state: 'cancelled' })
    expect(await dispatchesOf(rideId)).toEqual([])
  })

  it('is over, too, where nobody knows what was ordered', async () => {
    const [rideId, driver] = [randomUUID(), new StandInConnection(randomUUID(), 'driver')]
    await laravelStores(database.pool, rideId, { driver_id: driver.user.userId, current_status: 'accepted' })
    expect((await say(driver, 'ride:cancel', { rideId })).reply?.data).toMatchObject({ state: 'cancelled' })
  })
})

describe('a ride whose acceptance Laravel undoes by hand', () => {
  it('is observed and not announced, and may be given up all the same', async () => {
    const { rideId, rider } = await acceptedRide()
    await rows("UPDATE trip_requests SET current_status = 'pending', driver_id = NULL WHERE id = ?", [rideId])
    const given = await inTx(database.pool, (connection) =>
      moveTripIn(connection, rideId, moveOf('accepted', { driverId: randomUUID() })),
    )
    expect(given).toMatchObject({
      kind: 'moved',
      steps: [{ observed: true, to: 'pending' }, { to: 'accepted' }],
    })
    expect(await eventsOf(rider)).not.toContain('ride:redispatched')
    expect(await driversWhoGaveUp(database.pool, [rideId])).toEqual(new Map())
  })
})

describe('an acceptance, a release and a cancellation at the same moment', () => {
  it('leave one story, whatever their order, over two processes', async () => {
    for (let round = 0; round < 12; round += 1) {
      const { rideId, rider, driver } = await acceptedRide()
      const next = new StandInConnection(randomUUID(), 'driver')
      const offerId = await offer(database.pool, rideId, next.user.userId)
      const [released, cancelled, taken] = await Promise.all([
        say(driver, 'ride:cancel', { rideId }),
        say(rider, 'ride:cancel', { rideId }, there),
        accept(next, rideId, offerId, there),
      ])
      const row = await tripRow(database.pool, rideId)
      expect(cancelled.reply?.ok).toBe(true)
      expect([row.current_status, await dispatchesOf(rideId)]).toEqual(['cancelled', []])
      const history = await historyOf(database.pool, rideId)
      expect(history.at(-1)).toMatch(/>cancelled$/)
      expect(history.includes('accepted>pending')).toBe(
        released.reply?.ok === true && released.reply.data?.state === 'pending',
      )
      expect(history.filter((step) => step === 'pending>accepted')).toHaveLength(taken.reply?.ok ? 2 : 1)
      expect(await offerState(database.pool, offerId)).not.toBe('offered')
    }
  })

  it('of two drivers who accept a released ride, one has it', async () => {
    const { rideId, driver } = await acceptedRide()
    await say(driver, 'ride:cancel', { rideId })
    const drivers = ['n-1', 'n-2', 'n-3', 'n-4']
    const offers = await Promise.all(drivers.map((one) => offer(database.pool, rideId, one)))
    const kinds = await Promise.all(
      drivers.map((driverId, n) =>
        inTx(n % 2 === 0 ? here.pool : there.pool, (connection) =>
          acceptTripIn(connection, { tripId: rideId, driverId, offerId: offers[n] as Id }),
        ),
      ),
    )
    expect(kinds.map(({ kind }) => kind).sort()).toEqual(['accepted', 'taken', 'taken', 'taken'])
  })
})
