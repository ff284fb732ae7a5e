import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { RowDataPacket } from '../db/rows.ts'
import { acceptAndTell, moveAndTell } from '../src/matching/trips/perform.ts'
import { goOffline } from '../src/realtime/presence/driver-duty.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import {
  type DispatchNode,
  letPass,
  Map2d,
  offersOf,
  openDispatchNode,
  QUICK,
  requestedTrip,
  workingDriver,
} from './support/dispatch.ts'
import { endDispatch } from './support/dispatch-end.ts'
import { inTx, moveOf, offer } from './support/trips.ts'

let database: TestDatabase
let map: Map2d
let node: DispatchNode

beforeAll(async () => {
  database = await testDatabase('dispatch-next-look')
})
beforeEach(async () => {
  map = new Map2d()
  node = openDispatchNode(database, map, QUICK)
  for (const id of ['first', 'second']) await workingDriver(database, id)
  map.put('second', { latitude: 30.045, longitude: 31.236 })
})
afterEach(() => endDispatch(database, [node]))
afterAll(() => database?.drop())

/** A trip that was offered to the first driver, and is looked at when his time is over. */
async function askedTrip(customerId: string) {
  const { id } = await requestedTrip(database, QUICK, { customerId })
  const offerId = await offer(database.pool, id, 'first')
  await database.pool.query('UPDATE trip_dispatches SET next_at = UTC_TIMESTAMP(3) + INTERVAL 15 SECOND')
  return { id, offerId }
}

const accepts = ({ id, offerId }: Awaited<ReturnType<typeof askedTrip>>) =>
  inTx(database.pool, (connection) =>
    acceptAndTell(
      connection,
      { tripId: id, driverId: 'first', offerId },
      { callbacks: false, traceId: 'trace' },
    ),
  )
const isGiven = (id: string) =>
  inTx(database.pool, (connection) =>
    moveAndTell(connection, id, moveOf('accepted', { driverId: 'first' }), {
      rules: { settingsOf: () => QUICK },
      callbacksOf: () => [],
    }),
  )

/** The other trip is of no account. */
async function goesOffline({ id }: { readonly id: string }): Promise<void> {
  await database.pool.query('DELETE FROM trip_dispatches WHERE trip_id = ?', [id])
  await inTx(database.pool, (connection) => goOffline(connection, 'first'))
}

describe('a trip whose driver is lost to it is offered to the next within a second, though whoever knew it died,', () => {
  test.each([
    ['who accepts another', accepts],
    ['whom Laravel gives another', ({ id }) => isGiven(id)],
    ['who goes offline', goesOffline],
  ] satisfies [string, (other: Awaited<ReturnType<typeof askedTrip>>) => Promise<unknown>][])(
    '%s',
    async (_, happens) => {
      const other = await askedTrip('c-1')
      const { id } = await askedTrip('c-2')
      await happens(other)
      await letPass(database, 1_000)
      await node.dispatcher.runOnce()
      const offers = await offersOf(database, id)
      expect(offers.map(({ state }) => state)).toEqual(['withdrawn', 'offered'])
    },
  )
})

test('whoever decides about that trip at this moment is not waited for', async () => {
  const other = await askedTrip('c-1')
  const { id } = await askedTrip('c-2')
  const holder = await database.pool.getConnection()
  await holder.query('START TRANSACTION')
  await holder.query('SELECT trip_id FROM trip_dispatches WHERE trip_id = ? FOR UPDATE', [id])
  expect((await accepts(other)).accepted.kind).toBe('accepted')
  await holder.query('ROLLBACK')
  holder.release()
  const [rows] = await database.pool.query<RowDataPacket[]>(
    'SELECT 1 FROM trip_dispatches WHERE next_at < UTC_TIMESTAMP(3) + INTERVAL 2 SECOND',
  )
  expect(rows).toEqual([])
})
