import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { playWindows } from '../src/matching/dispatch/windows.ts'
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

const BATCH = { ...QUICK, policy: 'batch' } as const
/** Who waits for what is held here fails, after six waits of a second. */
const AT_ONCE_MS = 3_000

let database: TestDatabase
let map: Map2d
let node: DispatchNode

beforeAll(async () => {
  database = await testDatabase('dispatch-held')
})
beforeEach(() => {
  map = new Map2d()
  node = openDispatchNode(database, map, BATCH)
})
afterEach(() => endDispatch(database, [node]))
afterAll(() => database?.drop())

async function driver(id: string, latitude = 30.045): Promise<void> {
  await workingDriver(database, id)
  map.put(id, { latitude, longitude: 31.236 })
}

const trip = async (customerId: string) => (await requestedTrip(database, BATCH, { customerId })).id

async function window(): Promise<void> {
  await letPass(database, BATCH.windowMs)
  await playWindows(node.tools)
}

/** How long the window that is over takes. */
async function playedMs(): Promise<number> {
  const startMs = performance.now()
  await playWindows(node.tools)
  return performance.now() - startMs
}

/** When the next window is over, and while somebody else holds the trip, its search and its offers. */
async function whileHeld(tripId: string, work: () => Promise<void>): Promise<void> {
  await letPass(database, BATCH.windowMs)
  const holder = await database.pool.getConnection()
  await holder.query('START TRANSACTION')
  try {
    await holder.query('SELECT id FROM trip_requests WHERE id = ? FOR UPDATE', [tripId])
    await holder.query('SELECT trip_id FROM trip_dispatches WHERE trip_id = ? FOR UPDATE', [tripId])
    await holder.query('SELECT id FROM trip_offers WHERE trip_id = ? FOR UPDATE', [tripId])
    await work()
  } finally {
    await holder.query('ROLLBACK')
    holder.release()
  }
}

const count = async (ids: readonly string[]) =>
  (await Promise.all(ids.map((id) => offersOf(database, id)))).map(({ length }) => length)

describe('a window in which somebody else holds a trip', () => {
  test('serves the others at once, and that one is in the next', async () => {
    const ids: string[] = []
    for (let index = 0; index < 6; index += 1) {
      await driver(`d-${index}`)
      ids.push(await trip(`c-${index}`))
    }
    await playWindows(node.tools)
    await whileHeld(ids[0] ?? '', async () => {
      expect(await playedMs()).toBeLessThan(AT_ONCE_MS)
      expect(await count(ids)).toEqual([0, 1, 1, 1, 1, 1])
    })
    await window()
    expect(await count(ids)).toEqual([1, 1, 1, 1, 1, 1])
  })

  test('that found nobody waits no more than one that serves it', async () => {
    const [held, other] = [await trip('c-1'), await trip('c-2')]
    await playWindows(node.tools)
    await whileHeld(held, async () => expect(await playedMs()).toBeLessThan(AT_ONCE_MS))
    await driver('d-1')
    await driver('d-2')
    await window()
    expect(await count([held, other])).toEqual([1, 1])
  })

  test('whose time is over, and its offers, ends it later', async () => {
    await driver('near')
    const late = await trip('c-1')
    await playWindows(node.tools)
    await window()
    await letPass(database, BATCH.matchTimeoutMs)
    const other = await trip('c-2')
    await driver('nearer', 30.0445)
    await whileHeld(late, async () => {
      expect(await playedMs()).toBeLessThan(AT_ONCE_MS)
      expect(await offersOf(database, late)).toEqual([{ driver: 'near', state: 'offered' }])
      expect(await offersOf(database, other)).toEqual([{ driver: 'nearer', state: 'offered' }])
    })
    await window()
    expect(await offersOf(database, late)).toEqual([{ driver: 'near', state: 'expired' }])
  })
})
