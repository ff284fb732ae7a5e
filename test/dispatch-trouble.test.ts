import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { placeBidIn } from '../src/matching/bids/place.ts'
import { playWindows } from '../src/matching/dispatch/windows.ts'
import type { NearbyQuery } from '../src/matching/drivers/nearby.ts'
import { giveUpAndTell } from '../src/matching/trips/perform.ts'
import { availabilityOf, bidsOf } from './support/bids.ts'
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
import { inTx } from './support/trips.ts'

const HERE = { latitude: 30.045, longitude: 31.236 }
const BATCH = { ...QUICK, policy: 'batch' } as const
const BIDDING = { ...QUICK, policy: 'bidding' } as const

/** Searches in one zone fail, or hang until they are let go. */
class TroubledMap extends Map2d {
  failing: string | null = null
  hanging: string | null = null
  #letGo: () => void = () => undefined
  readonly #gate = new Promise<void>((resolve) => {
    this.#letGo = resolve
  })

  override async search(query: NearbyQuery) {
    const [zone] = query.zoneIds
    if (zone === this.failing) throw new Error('nobody knows where drivers are')
    if (zone === this.hanging) await this.#gate
    return super.search(query)
  }

  letGo(): void {
    this.#letGo()
  }
}

let database: TestDatabase
let map: TroubledMap
let node: DispatchNode

beforeAll(async () => {
  database = await testDatabase('dispatch-trouble')
})
beforeEach(() => {
  map = new TroubledMap()
})
afterEach(async () => {
  map.letGo()
  await node.dispatcher.idle()
  await endDispatch(database, [node])
})
afterAll(() => database?.drop())

async function driver(id: string, zoneId = 'zone-1'): Promise<void> {
  await workingDriver(database, id)
  map.put(id, HERE, zoneId)
}

const dueInMs = async (tripId: string) => {
  const [[row]] = (await database.pool.query(
    'SELECT TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(3), next_at) / 1000 AS ms FROM trip_dispatches WHERE trip_id = ?',
    [tripId],
  )) as unknown as [[{ ms: string }]]
  return Number(row.ms)
}

describe('a window', () => {
  test('of a group whose drivers nobody knows keeps no other group waiting', async () => {
    node = openDispatchNode(database, map, BATCH)
    await driver('d-1', 'zone-1')
    await driver('d-2', 'zone-2')
    map.failing = 'zone-1'
    await requestedTrip(database, BATCH, { customerId: 'c-1', zoneId: 'zone-1' })
    const two = await requestedTrip(database, BATCH, { customerId: 'c-2', zoneId: 'zone-2' })
    await playWindows(node.tools)
    await letPass(database, BATCH.windowMs)
    await expect(playWindows(node.tools)).rejects.toThrow('nobody knows')
    expect(await offersOf(database, two.id)).toEqual([{ driver: 'd-2', state: 'offered' }])
  })

  test('is over for who has waited for it, however late it is looked at', async () => {
    node = openDispatchNode(database, map, BATCH)
    const { id } = await requestedTrip(database, BATCH)
    await playWindows(node.tools)
    await letPass(database, 4 * BATCH.windowMs)
    await driver('d-1')
    await playWindows(node.tools)
    expect(await offersOf(database, id)).toEqual([{ driver: 'd-1', state: 'offered' }])
  })
})

describe('a dispatcher', () => {
  test('plays what is due while something else takes long', async () => {
    node = openDispatchNode(database, map, QUICK)
    await driver('d-1')
    map.hanging = 'zone-2'
    const due = await requestedTrip(database, QUICK, { customerId: 'c-1', zoneId: 'zone-1' })
    await letPass(database, 1_000)
    const slow = await requestedTrip(database, QUICK, { customerId: 'c-2', zoneId: 'zone-2' })
    node.dispatcher.wake([slow.id])
    await node.dispatcher.runOnce()
    expect(await offersOf(database, due.id)).toEqual([{ driver: 'd-1', state: 'offered' }])
  })

  test('that is stopped waits no longer than it was told to', async () => {
    node = openDispatchNode(database, map, QUICK)
    map.hanging = 'zone-2'
    const slow = await requestedTrip(database, QUICK, { zoneId: 'zone-2' })
    node.dispatcher.wake([slow.id])
    const startMs = performance.now()
    await node.dispatcher.stop(100)
    expect(performance.now() - startMs).toBeLessThan(1_500)
  })

  test('that is woken while a driver thinks looks again when his time is over', async () => {
    node = openDispatchNode(database, map, QUICK)
    await driver('d-1')
    const { id } = await requestedTrip(database, QUICK)
    node.dispatcher.wake([id])
    await node.dispatcher.idle()
    await letPass(database, QUICK.offerMs - 2_000)
    node.dispatcher.wake([id])
    await node.dispatcher.idle()
    expect(await dueInMs(id)).toBeLessThanOrEqual(2_000)
    expect(await dueInMs(id)).toBeGreaterThan(0)
  })
})

describe('a trip that Laravel gives away without telling', () => {
  const laravelGives = (id: string, driverId: string | null, status: string) =>
    database.pool.query('UPDATE trip_requests SET driver_id = ?, current_status = ? WHERE id = ?', [
      ...[driverId, status, id],
    ])

  test('lets go of who has bid for it', async () => {
    node = openDispatchNode(database, map, BIDDING)
    await driver('d-bids')
    const { id } = await requestedTrip(database, BIDDING)
    node.dispatcher.wake([id])
    await node.dispatcher.idle()
    const fare = { amountMinor: 10_000n, currency: 'EGP' }
    const placed = await inTx(database.pool, (connection) =>
      placeBidIn(connection, { tripId: id, driverId: 'd-bids', fare }),
    )
    expect([placed.kind, await availabilityOf(database.pool, 'd-bids')]).toEqual(['placed', 'on_bidding'])
    await laravelGives(id, 'other', 'accepted')
    node.dispatcher.wake([id])
    await node.dispatcher.idle()
    expect(await bidsOf(database.pool, id)).toEqual(['d-bids 10000 lost'])
    expect(await availabilityOf(database.pool, 'd-bids')).toBe('available')
    expect(node.pushes).toContainEqual(expect.objectContaining({ userId: 'd-bids', event: 'bid:lost' }))
  })

  test('is looked for again when its driver gives it up', async () => {
    node = openDispatchNode(database, map, QUICK)
    const { id } = await requestedTrip(database, QUICK)
    await laravelGives(id, 'other', 'accepted')
    node.dispatcher.wake([id])
    await node.dispatcher.idle()
    expect(await searchRow(database, id)).toBeNull()
    await laravelGives(id, null, 'pending')
    const giveUp = () =>
      inTx(database.pool, (connection) =>
        giveUpAndTell(
          connection,
          id,
          { by: { type: 'driver', id: 'other' }, driverId: 'other', reason: null },
          { rules: { settingsOf: () => QUICK }, callbacksOf: () => [] },
        ),
      )
    expect((await giveUp()).told.wakes).toEqual([id])
    const search = await searchRow(database, id)
    expect(search).not.toBeNull()
    expect((await giveUp()).told.wakes ?? []).toEqual([])
    expect(await searchRow(database, id)).toEqual(search)
  })
})
