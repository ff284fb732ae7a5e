import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CommandPool, openCommandPool, type Pool } from '../db/pools.ts'
import { idToText } from '../src/base/ids.ts'
import { raiseAcks } from '../src/feed/acks.ts'
import { setDriverOnline } from '../src/matching/drivers/driver-store.ts'
import { acceptTripIn } from '../src/matching/trips/accept.ts'
import { moveTripIn } from '../src/matching/trips/move.ts'
import { Greeter } from '../src/realtime/greeting.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { append, feedMessage } from './support/feed.ts'
import { payment } from './support/greetings.ts'
import { createdTrip, inTx, laravelStores, moveOf, offer, orderOf } from './support/trips.ts'

let database: TestDatabase
let pool: Pool
let commands: CommandPool
let greeter: Greeter

beforeAll(async () => {
  database = await testDatabase('greeting')
  pool = database.pool
  commands = openCommandPool(database.address, 4)
  greeter = new Greeter({ pool: commands })
})
afterAll(async () => {
  await commands?.end()
  await database?.drop()
})

const customer = (userId: string) => ({ userId, userType: 'customer' as const })
const driver = (userId: string) => ({ userId, userType: 'driver' as const })
const OFF_DUTY = { isOnline: false, availability: null }
const NOTHING = { trip: null, offers: [], bids: [], payments: [] }

describe('a greeting', () => {
  it('of a user who was never told anything has a head of 0 and nothing else', async () => {
    for (const userType of ['customer', 'driver', 'admin'] as const)
      expect(await greeter.read({ userId: randomUUID(), userType })).toEqual({
        head: 0,
        acked: 0,
        snapshot: userType === 'driver' ? { ...NOTHING, driver: OFF_DUTY } : NOTHING,
      })
  })

  it('says how far the feed goes, and how far it was acknowledged', async () => {
    const userId = randomUUID()
    await append(pool, feedMessage(userId), feedMessage(userId), feedMessage(userId))
    expect(await greeter.read(customer(userId))).toMatchObject({ head: 3, acked: 0 })
    await raiseAcks(pool, new Map([[userId, 2]]))
    expect(await greeter.read(driver(userId))).toMatchObject({ head: 3, acked: 2 })
  })

  it('shows rider and driver their trip as it stands, until it ends', async () => {
    const [riderId, driverId] = [randomUUID(), randomUUID()]
    const trip = await createdTrip(pool, { customerId: riderId })
    expect((await greeter.read(customer(riderId))).snapshot.trip).toEqual({
      rideId: trip.id,
      status: 'pending',
      state: 'pending',
      customerId: riderId,
      driverId: null,
      category: 'car',
      pickup: { latitude: 30.0444196, longitude: 31.2357116, address: 'ميدان التحرير' },
      destination: { latitude: 30.1219, longitude: 31.4056, address: null },
      estimatedFareMinor: 12_050,
      agreedFareMinor: null,
      finalFareMinor: null,
      currency: 'EGP',
      paymentMethod: 'cash',
    })
    const offerId = await offer(pool, trip.id, driverId)
    await inTx(pool, (connection) => acceptTripIn(connection, { tripId: trip.id, driverId, offerId }))
    await inTx(pool, (connection) => moveTripIn(connection, trip.id, moveOf('arrived')))
    for (const user of [customer(riderId), driver(driverId)])
      expect((await greeter.read(user)).snapshot.trip).toMatchObject({
        rideId: trip.id,
        status: 'accepted',
        state: 'arrived',
        driverId,
      })
    await inTx(pool, (connection) => moveTripIn(connection, trip.id, moveOf('cancelled')))
    for (const user of [customer(riderId), driver(driverId)])
      expect((await greeter.read(user)).snapshot.trip).toBeNull()
  })

  it('shows the trip that is under way, of several, and of those that wait the newest', async () => {
    const riderId = randomUUID()
    const [stale, fresh, driven, deleted] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()]
    const open = () => greeter.read(customer(riderId)).then(({ snapshot }) => snapshot.trip?.rideId)
    await laravelStores(pool, fresh, { customer_id: riderId, created_at: '2026-11-02 00:00:00' })
    await laravelStores(pool, stale, { customer_id: riderId, created_at: '2026-11-01 00:00:00' })
    await laravelStores(pool, deleted, {
      ...{ customer_id: riderId, created_at: '2026-11-04 00:00:00', deleted_at: '2026-11-05 00:00:00' },
    })
    expect(await open()).toBe(fresh)
    await laravelStores(pool, driven, {
      ...{ customer_id: riderId, driver_id: randomUUID(), current_status: 'ongoing' },
      created_at: '2026-10-01 00:00:00',
    })
    expect(await open()).toBe(driven)
  })

  it('of a trip that only Laravel knows shows what Laravel has, in states that are its own, too', async () => {
    const [riderId, driverId, tripId] = [randomUUID(), randomUUID(), randomUUID()]
    await laravelStores(pool, tripId, {
      ...{ customer_id: riderId, driver_id: driverId, current_status: 'returning', type: 'parcel' },
    })
    expect((await greeter.read(driver(driverId))).snapshot.trip).toMatchObject({
      ...{ rideId: tripId, status: 'returning', state: 'returning', customerId: riderId },
      ...{ pickup: null, destination: null, estimatedFareMinor: null, currency: null, category: null },
    })
  })

  it('shows a driver what he may accept, the oldest first, and not what is over or another’s', async () => {
    const driverId = randomUUID()
    const [one, two, three] = [await createdTrip(pool), await createdTrip(pool), await createdTrip(pool)]
    const first = await offer(pool, one.id, driverId)
    const second = await offer(pool, two.id, driverId)
    await offer(pool, three.id, driverId, { seconds: -1 })
    await offer(pool, three.id, driverId, { state: 'rejected' })
    await offer(pool, three.id, randomUUID())
    const { offers } = (await greeter.read(driver(driverId))).snapshot
    expect(offers.map(({ offerId }) => offerId)).toEqual([first, second].map(idToText))
    expect(offers[0]).toMatchObject({
      rideId: one.id,
      pickup: { latitude: 30.0444196, longitude: 31.2357116, address: 'ميدان التحرير' },
      estimatedFareMinor: 12_050,
      currency: 'EGP',
      paymentMethod: 'cash',
      expiresAt: expect.any(Number),
    })
    expect((await greeter.read(customer(driverId))).snapshot.offers).toEqual([])
  })

  it('shows a driver whether he works', async () => {
    const driverId = randomUUID()
    await inTx(pool, (connection) => setDriverOnline(connection, driverId))
    expect((await greeter.read(driver(driverId))).snapshot.driver).toEqual({
      isOnline: true,
      availability: 'available',
    })
  })

  it('shows the five newest payments of a day, and those of the open trip, however old and whoever was named', async () => {
    const [riderId, driverId, tripId] = [randomUUID(), randomUUID(), randomUUID()]
    await laravelStores(pool, tripId, {
      ...{ customer_id: riderId, driver_id: driverId, current_status: 'ongoing' },
    })
    const ofTrip = await payment(pool, {
      ...{ tripId, customerId: riderId, hoursAgo: 90, state: 'captured', capturedMinor: 900 },
    })
    await payment(pool, { customerId: riderId, driverId, hoursAgo: 25 })
    const recent = []
    for (let n = 0; n < 6; n += 1) recent.push(await payment(pool, { customerId: riderId, driverId }))
    const shown = [...recent.slice(1).reverse(), ofTrip].map(idToText)
    for (const user of [customer(riderId), driver(driverId)]) {
      const { payments } = (await greeter.read(user)).snapshot
      expect(payments.map(({ paymentId }) => paymentId)).toEqual(shown)
      expect(payments.at(-1)).toEqual({
        paymentId: idToText(ofTrip),
        rideId: tripId,
        state: 'captured',
        amountMinor: 900,
        currency: 'EGP',
        at: expect.stringMatching(/^\d{4}-.*Z$/),
      })
      expect(payments[0]).toMatchObject({ state: 'created', amountMinor: 12_050, rideId: null })
    }
  })

  it('never shows one user what is another’s, though all are read together', async () => {
    const users = await Promise.all(
      Array.from({ length: 450 }, async (_, n) => {
        const userId = randomUUID()
        if (n % 3 === 0) await createdTrip(pool, orderOf({ customerId: userId, tripId: randomUUID() }))
        if (n % 5 === 0) await payment(pool, { customerId: userId })
        if (n % 7 === 0) await append(pool, feedMessage(userId))
        return customer(userId)
      }),
    )
    const greetings = await Promise.all(users.map((user) => greeter.read(user)))
    for (const [n, { head, snapshot }] of greetings.entries()) {
      expect(snapshot.trip?.customerId ?? null).toBe(n % 3 === 0 ? users[n]?.userId : null)
      expect(snapshot.payments.length).toBe(n % 5 === 0 ? 1 : 0)
      expect(head).toBe(n % 7 === 0 ? 1 : 0)
    }
  })
})

describe('many greetings', () => {
  it('that are asked for together are one transaction, and more than 200 a few', async () => {
    const begun = await transactionsOf(50)
    expect(begun).toBe(1)
    expect(await transactionsOf(450)).toBe(3)
  })

  it('wait for company beside a read in hand, take four connections at most, and share what comes next', async () => {
    const gate = Promise.withResolvers<void>()
    let begun = 0
    const slow = {
      getConnection: async () => {
        begun += 1
        await gate.promise
        return commands.getConnection()
      },
    } as unknown as CommandPool
    const busy = new Greeter({ pool: slow })
    const greetings: Promise<unknown>[] = []
    const ask = async (count: number): Promise<void> => {
      for (let n = 0; n < count; n += 1) greetings.push(busy.read(customer(randomUUID())))
      await new Promise(setImmediate)
    }
    for (let turn = 0; turn < 20; turn += 1) await ask(1)
    expect(begun).toBe(1)
    for (let turn = 0; turn < 20; turn += 1) await ask(50)
    expect(begun).toBe(4)
    gate.resolve()
    await Promise.all(greetings)
    // Five of 200 at most for what waited while four were read.
    expect(begun).toBeLessThanOrEqual(9)
  })

  it('fail together when the database is away, and the next ones work', async () => {
    const closed = openCommandPool({ ...database.address, port: 1 }, 1)
    const away = new Greeter({ pool: closed })
    const greetings = await Promise.allSettled([away.read(customer('a')), away.read(driver('b'))])
    expect(greetings.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    await expect(away.read(customer('a'))).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    await closed.end()
  })

  /** How many transactions so many greetings begin, counted by a pool that lends connections. */
  async function transactionsOf(count: number): Promise<number> {
    let begun = 0
    const counting = {
      getConnection: () => {
        begun += 1
        return commands.getConnection()
      },
    } as unknown as CommandPool
    const busy = new Greeter({ pool: counting })
    await Promise.all(Array.from({ length: count }, () => busy.read(customer(randomUUID()))))
    return begun
  }
})
