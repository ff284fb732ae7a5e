import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import { setDriverOnline } from '../../src/matching/drivers/driver-store.ts'
import { type TestDatabase, testDatabase } from './database.ts'
import { dutyOf, letPassRenewing, openNode, type SessionRow, sessionOf, type TestNode } from './presence.ts'
import { inTx } from './trips.ts'

/** Two processes over one database, whose turns the test takes; new ones for each test. */
export interface PresenceScene {
  readonly database: TestDatabase
  readonly a: TestNode
  readonly b: TestNode
  session(userId: string): Promise<SessionRow | null>
  stateOf(userId: string): Promise<string | undefined>
  duty(userId: string): Promise<string | null>
  /** Lets time pass while these renew. */
  pass(ms: number, ...renewing: TestNode[]): Promise<void>
  /** All that there is to sweep. */
  sweep(node: TestNode): Promise<void>
  /** The driver connects to the node and is at work. */
  works(node: TestNode, userId: string): Promise<number>
}

/** To be called once in a test file; sets up and tidies away by itself. */
export function presenceScene(name: string): PresenceScene {
  let database: TestDatabase
  let a: TestNode
  let b: TestNode
  beforeAll(async () => {
    database = await testDatabase(name)
  })
  beforeEach(() => {
    a = openNode(database.address)
    b = openNode(database.address)
  })
  afterEach(async () => {
    await Promise.all([a.pool.end(), b.pool.end()])
    for (const table of ['driver_sessions', 'node_leases', 'driver_details'])
      await database.pool.query('DELETE FROM ??', [table])
  })
  afterAll(() => database?.drop())
  return {
    get database() {
      return database
    },
    get a() {
      return a
    },
    get b() {
      return b
    },
    session: (userId) => sessionOf(database.pool, userId),
    stateOf: async (userId) => (await sessionOf(database.pool, userId))?.state,
    duty: (userId) => dutyOf(database.pool, userId),
    pass: (ms, ...renewing) => letPassRenewing(database.pool, ms, renewing),
    sweep: async ({ presence }) => {
      while (await presence.sweep());
    },
    works: async ({ presence }, userId) => {
      const fence = await presence.opened(userId)
      await inTx(database.pool, (connection) => setDriverOnline(connection, userId))
      return fence
    },
  }
}
