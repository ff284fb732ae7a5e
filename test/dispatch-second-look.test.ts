import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { RowDataPacket } from '../db/rows.ts'
import { playRound, type RoundTools } from '../src/matching/dispatch/rounds.ts'
import type { DispatchSettings } from '../src/matching/dispatch/settings.ts'
import { goOffline } from '../src/realtime/presence/driver-duty.ts'
import { biddingTrip, bidOf } from './support/bids.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import {
  type DispatchNode,
  Map2d,
  offersOf,
  openDispatchNode,
  QUICK,
  requestedTrip,
  workingDriver,
} from './support/dispatch.ts'
import { endDispatch } from './support/dispatch-end.ts'
import { createdTrip, inTx, laravelStores, offer } from './support/trips.ts'

const BROADCAST: DispatchSettings = { ...QUICK, policy: 'broadcast' }

let database: TestDatabase
let map: Map2d
let node: DispatchNode

beforeAll(async () => {
  database = await testDatabase('dispatch-second-look')
  await database.pool.query('ALTER TABLE driver_details ADD COLUMN is_suspended TINYINT NOT NULL DEFAULT 0')
})
beforeEach(async () => {
  map = new Map2d()
  for (const [n, id] of ['near', 'farther'].entries()) {
    await workingDriver(database, id)
    map.put(id, { latitude: 30.045 + n / 200, longitude: 31.236 })
  }
})
afterEach(() => endDispatch(database, [node]))
afterAll(() => database?.drop())

/** Plays the trip's round; `change` happens once all is known of the drivers, and before they are asked. */
async function playWhile(settings: DispatchSettings, change: () => Promise<unknown>): Promise<string> {
  node = openDispatchNode(database, map, settings)
  const trip = await requestedTrip(database, settings, { customerId: 'c-second' })
  const decide: RoundTools['decide'] = async (...asked) => {
    const plans = await node.tools.decide(...asked)
    expect(plans.map(({ driverId }) => driverId)).toContain('near')
    await change()
    return plans
  }
  await playRound({ ...node.tools, decide }, trip.id)
  return trip.id
}

async function excludedOf(tripId: string): Promise<unknown> {
  const [rows] = await database.pool.query<RowDataPacket[]>(
    'SELECT document FROM dispatch_decisions WHERE trip_id = ?',
    [tripId],
  )
  return rows.map(({ document }) => JSON.parse(document).excluded)
}

const CHANGES: readonly [string, string, () => Promise<unknown>][] = [
  ['goes offline', 'offline', () => inTx(database.pool, (connection) => goOffline(connection, 'near'))],
  [
    'is suspended',
    'suspended',
    () => database.pool.query("UPDATE driver_details SET is_suspended = 1 WHERE user_id = 'near'"),
  ],
  [
    'begins a ride',
    'on_ride',
    () => laravelStores(database.pool, 'ride', { driver_id: 'near', current_status: 'ongoing' }),
  ],
  [
    'bids for another trip',
    'bidding',
    async () => bidOf(database.pool, (await biddingTrip(database.pool)).id, 'near'),
  ],
]

describe('a driver who, between the facts and the offer,', () => {
  test.each(CHANGES)('%s is not asked, and it is said why: %s', async (_, why, change) => {
    const tripId = await playWhile(BROADCAST, change)
    expect(await offersOf(database, tripId)).toEqual([{ driver: 'farther', state: 'offered' }])
    expect(await excludedOf(tripId)).toEqual([[{ driverId: 'near', why }]])
  })

  test.each([
    [
      'loses his connection',
      'disconnected',
      () => database.pool.query("UPDATE driver_sessions SET state = 'disconnected'"),
    ],
    [
      'is asked for another trip',
      'has_offers',
      async () => offer(database.pool, (await createdTrip(database.pool)).id, 'near'),
    ],
  ])('%s is not asked alone: %s', async (_, why, change) => {
    const tripId = await playWhile(QUICK, change)
    expect(await offersOf(database, tripId)).toEqual([])
    expect(await excludedOf(tripId)).toEqual([[{ driverId: 'near', why }]])
  })
})
