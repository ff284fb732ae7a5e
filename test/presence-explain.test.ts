import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { migrate } from '../db/migrate.ts'
import { readDriverDuties, setDriverOnline, setDriversOffline } from '../src/matching/drivers/driver-store.ts'
import { lockDeadLease, renewLease } from '../src/realtime/presence/lease-store.ts'
import {
  assertSessions,
  closeSessions,
  endGraces,
  lockSession,
  readConnected,
  readSessions,
  someConnected,
  someOverdue,
} from '../src/realtime/presence/presence-store.ts'
import { PRESENCE_TEMPO } from '../src/realtime/presence/presence-tempo.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { keysOf } from './support/explain.ts'
import { loadLaravelSchema } from './support/migrations.ts'

const DRIVERS = 3_000
const NODES = 10
const RESULT = { affectedRows: 1 }
const some = Array.from({ length: 100 }, (_, index) => `d-${index}`)
const sessions = some.map((userId) => [userId, 1] as const)

describe.each(['stand-alone', "in Laravel's database"])('the statements of presence, %s', (where) => {
  let database: TestDatabase

  beforeAll(async () => {
    database = await testDatabase('presence-explain', { migrated: false })
    if (where !== 'stand-alone') await loadLaravelSchema(database.address)
    await migrate(database.address)
    await fill()
  })
  afterAll(() => database?.drop())

  it('lock and change by the primary key, so that all lock in one order', async () => {
    const keys = [
      await keysOf(database, (connection) => closeSessions(connection, sessions, 1), RESULT),
      await keysOf(database, (connection) => assertSessions(connection, sessions), RESULT),
      await keysOf(database, (connection) => endGraces(connection, some)),
      await keysOf(database, (connection) => endGraces(connection, some), [{ user_id: 'd-1' }]),
      await keysOf(database, (connection) => lockSession(connection, 'd-1')),
      await keysOf(database, (connection) => readSessions(connection, some)),
      await keysOf(database, (connection) => renewLease(connection, 'n-1', PRESENCE_TEMPO), RESULT),
      await keysOf(database, (connection) => lockDeadLease(connection, 'n-1')),
    ]
    expect(new Set(keys.flat(2))).toEqual(new Set(['PRIMARY']))
  })

  it('find who is connected to a node, and whose grace is over, by an index each', async () => {
    expect(await keysOf(database, (connection) => readConnected(connection, 'n-1'))).toEqual([
      ['sessions_by_node'],
    ])
    expect(await keysOf(database, (connection) => someConnected(connection, 'n-1', 200))).toEqual([
      ['sessions_by_node'],
    ])
    expect(await keysOf(database, (connection) => someOverdue(connection, 200))).toEqual([
      ['sessions_by_grace'],
    ])
  })

  it('go online and offline by an index, though Laravel makes none', async () => {
    const [locked, , , online] = await keysOf(database, (connection) => setDriverOnline(connection, 'd-7'))
    const [, , offline] = await keysOf(database, (connection) =>
      setDriversOffline(connection, ['d-7', 'd-8']),
    )
    const [read] = await keysOf(database, (connection) => readDriverDuties(connection, ['d-7', 'd-8']))
    expect([locked, online, offline, read]).toEqual(
      Array.from({ length: 4 }, () => ['driver_details_user_id']),
    )
  })

  async function fill(): Promise<void> {
    const drivers = Array.from({ length: DRIVERS }, (_, index) => `d-${index}`)
    await database.pool.query('INSERT INTO node_leases VALUES ?', [
      Array.from({ length: NODES }, (_, index) => [`n-${index}`, new Date(), new Date()]),
    ])
    const rows = drivers.map((userId, index) => {
      const isOver = index % 20 === 0
      const state = isOver ? 'disconnected' : 'connected'
      return [userId, 1, `n-${index % NODES}`, state, isOver ? new Date(0) : null, new Date()]
    })
    await database.pool.query('INSERT INTO driver_sessions VALUES ?', [rows])
    await database.pool.query('INSERT INTO driver_details (user_id) VALUES ?', [
      drivers.map((userId) => [userId]),
    ])
    await database.pool.query('ANALYZE TABLE driver_sessions, node_leases, driver_details')
  }
})
