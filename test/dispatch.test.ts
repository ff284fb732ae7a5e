import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { idFromText } from '../src/base/ids.ts'
import { rejectOfferIn } from '../src/matching/offers/reject.ts'
import { withdrawOffersOfIn } from '../src/matching/offers/withdraw.ts'
import { acceptTripIn } from '../src/matching/trips/accept.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import {
  type DispatchNode,
  letPass,
  Map2d,
  offersOf,
  openDispatchNode,
  QUICK,
  requestedTrip,
  searchRow,
  workingDriver,
} from './support/dispatch.ts'
import { endDispatch } from './support/dispatch-end.ts'
import { inTx, tripRow } from './support/trips.ts'

const NEAR = { latitude: 30.045, longitude: 31.236 }
const FARTHER = { latitude: 30.05, longitude: 31.24 }
const FAR = { latitude: 30.07, longitude: 31.26 }

let database: TestDatabase
let map: Map2d
let nodes: DispatchNode[]

beforeAll(async () => {
  database = await testDatabase('dispatch')
})
beforeEach(() => {
  map = new Map2d()
  nodes = []
})
afterEach(() => endDispatch(database, nodes))
afterAll(() => database?.drop())

function open(settings = QUICK): DispatchNode {
  const node = openDispatchNode(database, map, settings)
  nodes.push(node)
  return node
}

async function drivers(...ids: string[]): Promise<void> {
  const places = [NEAR, FARTHER, FAR]
  for (const [index, id] of ids.entries()) {
    await workingDriver(database, id)
    map.put(id, places[index] ?? FAR)
  }
}

/** All that is due, as if its time had come. */
async function turn(node: DispatchNode, ms: number): Promise<void> {
  await letPass(database, ms)
  await node.dispatcher.runOnce()
}

describe('a trip that waits', () => {
  test('is offered to the nearest, then to the next when he rejects it', async () => {
    const node = open()
    await drivers('near', 'farther')
    const trip = await requestedTrip(database, QUICK)
    await turn(node, 1_000)
    expect(await offersOf(database, trip.id)).toEqual([{ driver: 'near', state: 'offered' }])
    const [pushed] = node.pushes
    expect(pushed).toMatchObject({ userId: 'near', event: 'ride:new', data: { rideId: trip.id } })
    const { offerId } = offerOf(node, 0)
    await inTx(database.pool, (connection) =>
      rejectOfferIn(connection, { tripId: trip.id, driverId: 'near', offerId, reason: 'too far' }),
    )
    await turn(node, 1_000)
    expect(await offersOf(database, trip.id)).toEqual([
      { driver: 'near', state: 'rejected' },
      { driver: 'farther', state: 'offered' },
    ])
  })

  test('is offered to the next when the first lets it pass, and he hears that it is too late', async () => {
    const node = open()
    await drivers('near', 'farther')
    const trip = await requestedTrip(database, QUICK)
    await turn(node, 1_000)
    await turn(node, QUICK.offerMs)
    expect(await offersOf(database, trip.id)).toEqual([
      { driver: 'near', state: 'expired' },
      { driver: 'farther', state: 'offered' },
    ])
    const [, expired] = node.pushes
    expect(expired).toMatchObject({ userId: 'near', event: 'ride:offer:expired', data: { rideId: trip.id } })
  })

  test('is not offered again while drivers think', async () => {
    const node = open()
    await drivers('near', 'farther')
    const trip = await requestedTrip(database, QUICK)
    node.dispatcher.wake([trip.id])
    await turn(node, 1_000)
    await turn(node, 5_000)
    expect(await offersOf(database, trip.id)).toEqual([{ driver: 'near', state: 'offered' }])
  })

  test('ends with no drivers where nobody could be asked for long', async () => {
    const node = open()
    const trip = await requestedTrip(database, QUICK)
    await turn(node, 1_000)
    expect((await tripRow(database.pool, trip.id)).current_status).toBe('pending')
    await turn(node, QUICK.noDriversMs)
    expect((await tripRow(database.pool, trip.id)).current_status).toBe('cancelled')
    expect(await searchRow(database, trip.id)).toBeNull()
  })

  test('ends with its deadline where all let it pass', async () => {
    const node = open()
    await drivers('near')
    const trip = await requestedTrip(database, QUICK)
    await turn(node, 1_000)
    await turn(node, QUICK.matchTimeoutMs)
    expect((await tripRow(database.pool, trip.id)).current_status).toBe('cancelled')
    expect(await offersOf(database, trip.id)).toEqual([{ driver: 'near', state: 'expired' }])
  })

  test('that Laravel gave away without telling is looked for no more, and who was asked hears it', async () => {
    const node = open()
    await drivers('near')
    const trip = await requestedTrip(database, QUICK)
    await turn(node, 1_000)
    await database.pool.query(
      "UPDATE trip_requests SET current_status = 'accepted', driver_id = 'other' WHERE id = ?",
      [trip.id],
    )
    node.dispatcher.wake([trip.id])
    await node.dispatcher.idle()
    expect(await searchRow(database, trip.id)).toBeNull()
    expect(await offersOf(database, trip.id)).toEqual([{ driver: 'near', state: 'withdrawn' }])
  })

  test('is offered at once to a limited number by broadcast, and who is on a ride, offline or disconnected is passed by', async () => {
    const settings = { ...QUICK, policy: 'broadcast', maxDrivers: 2 } as const
    const node = open(settings)
    await drivers('a', 'b', 'c')
    await workingDriver(database, 'gone', 'disconnected')
    map.put('gone', NEAR)
    map.put('unknown', NEAR)
    const ride = await requestedTrip(database, settings)
    await turn(node, 1_000)
    const first = await offersOf(database, ride.id)
    expect(first).toHaveLength(2)
    const taken = await inTx(database.pool, (connection) =>
      acceptTripIn(connection, { tripId: ride.id, driverId: 'a', offerId: offerOf(node, 0, 'a').offerId }),
    )
    expect(taken.kind).toBe('accepted')
    const second = await requestedTrip(database, settings, { customerId: 'customer-2' })
    await turn(node, 1_000)
    expect((await offersOf(database, second.id)).map(({ driver }) => driver).toSorted()).toEqual(['b', 'c'])
  })

  test('is offered to whoever comes online while few are asked', async () => {
    const settings = { ...QUICK, policy: 'broadcast' } as const
    const node = open(settings)
    await drivers('near')
    const trip = await requestedTrip(database, settings)
    await turn(node, 1_000)
    await drivers('late')
    await turn(node, settings.retryMs)
    expect(await offersOf(database, trip.id)).toEqual([
      { driver: 'near', state: 'offered' },
      { driver: 'late', state: 'offered' },
    ])
  })

  test('is the first to hear of a driver who becomes free when it has waited for longest', async () => {
    const node = open()
    const older = await requestedTrip(database, QUICK, { customerId: 'c-older' })
    await turn(node, 1_000)
    const younger = await requestedTrip(database, QUICK, { customerId: 'c-younger' })
    await drivers('near')
    node.dispatcher.freed({ zoneId: 'zone-1', category: 'car' })
    await vi.waitFor(() => expect(node.pushes).toHaveLength(1))
    expect(await offersOf(database, older.id)).toEqual([{ driver: 'near', state: 'offered' }])
    await node.dispatcher.idle()
    expect(await offersOf(database, younger.id)).toEqual([])
  })

  test('is given to one process alone', async () => {
    const [a, b] = [open(), open()]
    await drivers('near', 'farther')
    const trips = []
    for (let index = 0; index < 10; index += 1)
      trips.push(await requestedTrip(database, QUICK, { customerId: `c-${index}` }))
    await letPass(database, 1_000)
    await Promise.all([a.dispatcher.runOnce(), b.dispatcher.runOnce(), a.dispatcher.runOnce()])
    const offers = (await Promise.all(trips.map(({ id }) => offersOf(database, id)))).flat()
    expect(offers.map(({ driver }) => driver).toSorted()).toEqual(['farther', 'near'])
  })

  test('is looked at by another process when the one that took it has died', async () => {
    const [dying, other] = [open(), open()]
    await drivers('near')
    const trip = await requestedTrip(database, QUICK)
    await letPass(database, 1_000)
    const { claimDueSearches } = await import('../src/matching/dispatch/dispatch-store.ts')
    expect(await claimDueSearches(dying.pool, 5)).toMatchObject([{ tripId: trip.id }])
    await other.dispatcher.runOnce()
    expect(await offersOf(database, trip.id)).toEqual([])
    await turn(other, 3_000)
    expect(await offersOf(database, trip.id)).toEqual([{ driver: 'near', state: 'offered' }])
  })

  test('goes to others when its driver stops working', async () => {
    const node = open()
    await drivers('near', 'farther')
    const trip = await requestedTrip(database, QUICK)
    await turn(node, 1_000)
    const withdrawn = await inTx(database.pool, (connection) => withdrawOffersOfIn(connection, ['near']))
    expect(withdrawn.map(({ tripId }) => tripId)).toEqual([trip.id])
    await database.pool.query("UPDATE driver_details SET is_online = '0' WHERE user_id = 'near'")
    node.dispatcher.wake([trip.id])
    await node.dispatcher.idle()
    expect(await offersOf(database, trip.id)).toEqual([
      { driver: 'near', state: 'withdrawn' },
      { driver: 'farther', state: 'offered' },
    ])
  })
})

function offerOf(node: DispatchNode, nth: number, driverId?: string) {
  const news = node.pushes.filter(
    (push) => 'expiresAtMs' in push && (!driverId || ('userId' in push && push.userId === driverId)),
  )
  const push = news[nth]
  if (push === undefined || !('data' in push)) throw new Error('nobody was asked')
  return { offerId: idOf(String(push.data.offerId)) }
}

function idOf(text: string) {
  const id = idFromText(text)
  if (id === null) throw new Error('no id')
  return id
}
