import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { migrate } from '../db/migrate.ts'
import { goOffline, goOnline, readDriverPresence } from '../src/realtime/presence/driver-duty.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { loadLaravelSchema } from './support/migrations.ts'
import { dutyOf, letPassRenewing, openNode, SLOW, type TestNode } from './support/presence.ts'
import { inTx, laravelStores } from './support/trips.ts'

const PLACE = { zoneId: 'zone-1', category: 'economy', position: { latitude: 30.0444, longitude: 31.2357 } }

/** The driver of Laravel's fixture, who is on its ongoing ride. */
const KARIM = '0b7a1d52-6a0f-4d3e-9c55-0a8f5c7f1a02'

describe.each(['stand-alone', "in Laravel's database"])("a driver's duty, %s", (where) => {
  let database: TestDatabase
  let a: TestNode

  beforeAll(async () => {
    database = await testDatabase('driver-duty', { migrated: false })
    if (where !== 'stand-alone') await loadLaravelSchema(database.address)
    await migrate(database.address)
  })
  beforeEach(() => {
    a = openNode(database.address)
  })
  afterEach(async () => {
    await a.pool.end()
    for (const table of ['driver_sessions', 'node_leases', 'driver_details'])
      await database.pool.query('DELETE FROM ??', [table])
    await database.pool.query("UPDATE trip_requests SET current_status = 'completed'")
  })
  afterAll(() => database?.drop())

  const duty = (userId: string) => dutyOf(database.pool, userId)
  const online = (userId: string) => inTx(database.pool, (connection) => goOnline(connection, userId, PLACE))
  const offline = (userId: string) => inTx(database.pool, (connection) => goOffline(connection, userId))

  async function graceEnds(): Promise<void> {
    await letPassRenewing(database.pool, SLOW.graceMs + 1_000, [a])
    while (await a.presence.sweep());
  }

  async function drives(driverId: string): Promise<void> {
    await laravelStores(database.pool, `trip-of-${driverId}`.slice(0, 36), {
      driver_id: driverId,
      current_status: 'ongoing',
      ...(where === 'stand-alone' ? {} : { ref_id: driverId.slice(0, 8) }),
    })
  }

  it('begins with driver:online, and ends with driver:offline, the socket being open', async () => {
    await a.presence.opened('d-1')
    expect(await duty('d-1')).toBeNull()
    expect(await online('d-1')).toBe('online')
    expect(await duty('d-1')).toBe('1 available')
    expect(await online('d-1')).toBe('online')
    await offline('d-1')
    expect(await duty('d-1')).toBe('0 unavailable')
    await offline('d-1')
    expect(await online('d-1')).toBe('online')
    expect(await duty('d-1')).toBe('1 available')
  })

  it('does not begin without a socket: nobody would ever end it', async () => {
    expect(await online('d-1')).toBe('not_connected')
    a.presence.closed('d-1', await a.presence.opened('d-1'))
    await a.presence.settled()
    expect(await online('d-1')).toBe('online')
    await graceEnds()
    expect(await duty('d-1')).toBe('0 unavailable')
    expect(await online('d-1')).toBe('not_connected')
    expect(await duty('d-1')).toBe('0 unavailable')
  })

  it('that begins as the grace ends, at the same time, is never left without an end', async () => {
    const users = Array.from({ length: 30 }, (_, index) => `d-${index}`)
    for (const user of users) a.presence.closed(user, await a.presence.opened(user))
    await a.presence.settled()
    await letPassRenewing(database.pool, SLOW.graceMs + 1_000, [a])
    await Promise.all([...users.map(online), a.presence.sweep()])
    while (await a.presence.sweep());
    for (const user of users) expect(['0 unavailable', null]).toContain(await duty(user))
  })

  it('knows who is on a trip, in whichever table it stands', async () => {
    for (const user of ['d-ride', 'd-word']) {
      await a.presence.opened(user)
      await online(user)
    }
    await drives('d-ride')
    await database.pool.query(
      "UPDATE driver_details SET availability_status = 'on_trip' WHERE user_id = 'd-word'",
    )
    for (const user of ['d-ride', 'd-word']) {
      await online(user)
      expect(await duty(user)).toBe('1 on_trip')
      await offline(user)
      expect(await duty(user)).toBe('0 on_trip')
      await online(user)
      a.presence.closed(user, 1)
    }
    await a.presence.settled()
    await graceEnds()
    expect([await duty('d-ride'), await duty('d-word')]).toEqual(['0 on_trip', '0 on_trip'])
  })

  it('and his socket can be read together, also of who never connected', async () => {
    await a.presence.opened('d-1')
    await online('d-1')
    a.presence.closed('d-1', 1)
    await a.presence.settled()
    await a.presence.opened('d-2')
    const found = await readDriverPresence(database.pool, ['d-2', 'd-1', 'd-3'])
    expect([...found]).toEqual([
      ['d-2', { session: expect.objectContaining({ state: 'connected', graceUntil: null }), duty: null }],
      [
        'd-1',
        {
          session: {
            userId: 'd-1',
            fence: 1,
            nodeId: a.presence.nodeId,
            state: 'disconnected',
            graceUntil: expect.any(Date),
          },
          duty: { isOnline: true, availability: 'available' },
        },
      ],
      ['d-3', { session: null, duty: null }],
    ])
  })
})

describe("Laravel's table", () => {
  let database: TestDatabase
  let a: TestNode

  beforeAll(async () => {
    database = await testDatabase('driver-laravel', { migrated: false })
    await loadLaravelSchema(database.address)
    await migrate(database.address)
    a = openNode(database.address)
  })
  afterAll(async () => {
    await a?.pool.end()
    await database?.drop()
  })

  it("keeps what Laravel wrote of its driver, but the two columns that are Onceline's", async () => {
    await a.presence.opened(KARIM)
    await inTx(database.pool, (connection) => goOffline(connection, KARIM))
    expect(await duty()).toBe('0 on_trip')
    await inTx(database.pool, (connection) => goOnline(connection, KARIM, PLACE))
    expect(await duty()).toBe('1 on_trip')
  })

  it('may ask for more than Onceline knows of a driver: then Laravel has to store him first', async () => {
    await database.pool.query('ALTER TABLE driver_details ADD COLUMN licence VARCHAR(20) NOT NULL')
    await a.presence.opened('d-new')
    expect(await inTx(database.pool, (connection) => goOnline(connection, 'd-new', PLACE))).toBe(
      'unknown_driver',
    )
  })

  const duty = () => dutyOf(database.pool, KARIM)
})
