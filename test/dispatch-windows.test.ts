import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { RowDataPacket } from '../db/rows.ts'
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
import { tripRow } from './support/trips.ts'

const BATCH = { ...QUICK, policy: 'batch' } as const

let database: TestDatabase
let map: Map2d
let nodes: DispatchNode[]

beforeAll(async () => {
  database = await testDatabase('dispatch-windows')
})
beforeEach(() => {
  map = new Map2d()
  nodes = [openDispatchNode(database, map, BATCH), openDispatchNode(database, map, BATCH)]
})
afterEach(() => endDispatch(database, nodes))
afterAll(() => database?.drop())

async function driver(id: string, latitude: number): Promise<void> {
  await workingDriver(database, id)
  map.put(id, { latitude, longitude: 31.2357 })
}

function trip(latitude: number, customerId: string) {
  const pickup = { latitude, longitude: 31.2357, address: null }
  return requestedTrip(database, BATCH, { customerId, pickup })
}

/** The window opens with the first look, and is over with the second. */
async function windowOver(...at: readonly DispatchNode[]): Promise<void> {
  await Promise.all(at.map(({ tools }) => playWindows(tools)))
  await letPass(database, BATCH.windowMs)
  await Promise.all(at.map(({ tools }) => playWindows(tools)))
}

async function decisions(): Promise<RowDataPacket[]> {
  const [rows] = await database.pool.query<RowDataPacket[]>(
    'SELECT trip_id, window_number, outcome FROM dispatch_decisions ORDER BY id',
  )
  return rows
}

describe('a window', () => {
  test('matches all who wait with all who are free, at the least cost of all', async () => {
    await driver('north', 30.06)
    await driver('south', 30.04)
    // Both trips are nearest to the driver in the north; the one in the far north has nobody else.
    const middle = await trip(30.0515, 'c-1')
    const far = await trip(30.065, 'c-2')
    await windowOver(...nodes)
    expect(await offersOf(database, far.id)).toEqual([{ driver: 'north', state: 'offered' }])
    expect(await offersOf(database, middle.id)).toEqual([{ driver: 'south', state: 'offered' }])
  })

  test('in which everybody is over his deadline ends them, and asks for nobody', async () => {
    const { id } = await trip(30.05, 'c-late')
    await Promise.all(nodes.map(({ tools }) => playWindows(tools)))
    await letPass(database, BATCH.matchTimeoutMs)
    for (const { tools } of nodes) {
      await playWindows(tools)
      await letPass(database, BATCH.windowMs)
    }
    expect(await tripRow(database.pool, id)).toMatchObject({ current_status: 'cancelled' })
  })

  test('is one process’s, whoever else looks at the same moment, and has one number', async () => {
    for (let index = 0; index < 6; index += 1) await driver(`d-${index}`, 30.04 + index / 1_000)
    for (let index = 0; index < 6; index += 1) await trip(30.04 + index / 1_000, `c-${index}`)
    await windowOver(...nodes, ...nodes)
    const rows = await decisions()
    expect(rows.map(({ outcome }) => outcome)).toEqual(Array(6).fill('offered'))
    expect(new Set(rows.map(({ window_number }) => window_number)).size).toBe(1)
  })

  test('does not begin before it is over, so that trips meet in it', async () => {
    const [node] = nodes as [DispatchNode]
    await driver('north', 30.06)
    const first = await trip(30.0515, 'c-1')
    await playWindows(node.tools)
    await playWindows(node.tools)
    expect(await offersOf(database, first.id)).toEqual([])
    await letPass(database, BATCH.windowMs)
    await playWindows(node.tools)
    expect(await offersOf(database, first.id)).toEqual([{ driver: 'north', state: 'offered' }])
  })

  test('looks again at who let the offer pass, without that driver', async () => {
    const [node] = nodes as [DispatchNode]
    await driver('north', 30.06)
    const one = await trip(30.055, 'c-1')
    await windowOver(node)
    await driver('south', 30.04)
    await letPass(database, BATCH.offerMs)
    await windowOver(node)
    expect(await offersOf(database, one.id)).toEqual([
      { driver: 'north', state: 'expired' },
      { driver: 'south', state: 'offered' },
    ])
  })

  test('ends whom nobody could be found for', async () => {
    const [node] = nodes as [DispatchNode]
    const one = await trip(30.055, 'c-1')
    await windowOver(node)
    expect((await tripRow(database.pool, one.id)).current_status).toBe('pending')
    await letPass(database, BATCH.noDriversMs)
    await windowOver(node)
    expect((await tripRow(database.pool, one.id)).current_status).toBe('cancelled')
    expect((await decisions()).at(-1)?.outcome).toBe('no_drivers')
  })
})
