import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { RowDataPacket } from '../db/rows.ts'
import { PRESENCE_TEMPO } from '../src/realtime/presence/presence-tempo.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { letPass, openNode, SLOW, sessionOf, type TestNode } from './support/presence.ts'

const GRACE_SECONDS = SLOW.graceMs / 1_000
let database: TestDatabase
const open: TestNode[] = []

beforeAll(async () => {
  database = await testDatabase('presence')
})
afterEach(async () => {
  await Promise.all(open.splice(0).map(({ pool }) => pool.end()))
  for (const table of ['driver_sessions', 'node_leases']) await database.pool.query('DELETE FROM ??', [table])
})
afterAll(() => database?.drop())

function node(connectionLimit?: number): TestNode {
  const one = openNode(database.address, SLOW, connectionLimit)
  open.push(one)
  return one
}
const session = (userId: string) => sessionOf(database.pool, userId)

/** Closes, and waits until it is written. */
async function closeNow({ presence }: TestNode, userId: string, fence: number): Promise<void> {
  presence.closed(userId, fence)
  await presence.settled()
}

describe('a socket of a driver', () => {
  it('opens his session where it is, with a fence higher than all before', async () => {
    const [a, b] = [node(), node()]
    expect(await a.presence.opened('d-1')).toBe(1)
    expect(await session('d-1')).toEqual({
      fence: 1,
      node: a.presence.nodeId,
      state: 'connected',
      graceSeconds: null,
    })
    expect(await b.presence.opened('d-1')).toBe(2)
    expect(await session('d-1')).toMatchObject({ fence: 2, node: b.presence.nodeId, state: 'connected' })
    expect(await a.presence.opened('d-1')).toBe(3)
    expect(await b.presence.opened('d-2')).toBe(1)
  })

  it('leaves him disconnected at once when it closes, with a grace', async () => {
    const a = node()
    await closeNow(a, 'd-1', await a.presence.opened('d-1'))
    expect(await session('d-1')).toEqual({
      fence: 1,
      node: a.presence.nodeId,
      state: 'disconnected',
      graceSeconds: GRACE_SECONDS,
    })
    expect(await a.presence.opened('d-1')).toBe(2)
    expect(await session('d-1')).toMatchObject({ state: 'connected', graceSeconds: null })
  })

  it('changes nothing when it closes and a newer one owns the session, here or elsewhere', async () => {
    const [a, b] = [node(), node()]
    const oldest = await a.presence.opened('d-1')
    const older = await a.presence.opened('d-1')
    await closeNow(a, 'd-1', oldest)
    expect(await session('d-1')).toMatchObject({ fence: 2, state: 'connected' })
    await b.presence.opened('d-1')
    await closeNow(a, 'd-1', older)
    expect(await session('d-1')).toMatchObject({ fence: 3, node: b.presence.nodeId, state: 'connected' })
  })

  it('closing does not lengthen a grace that runs', async () => {
    const a = node()
    const fence = await a.presence.opened('d-1')
    await closeNow(a, 'd-1', fence)
    await letPass(database.pool, 1_000_000)
    await closeNow(a, 'd-1', fence)
    expect(await session('d-1')).toMatchObject({ graceSeconds: GRACE_SECONDS - 1_000 })
  })

  it('that closes and opens within a tick ends open', async () => {
    const a = node()
    const fence = await a.presence.opened('d-1')
    a.presence.closed('d-1', fence)
    expect(await a.presence.opened('d-1')).toBe(2)
    expect(await session('d-1')).toMatchObject({ fence: 2, state: 'connected' })
  })
})

describe('the newest socket', () => {
  it('fences older ones of its own process at once', async () => {
    const a = node()
    await a.presence.opened('d-1')
    expect(a.evicted).toEqual([])
    await a.presence.opened('d-1')
    expect(a.evicted).toEqual(['d-1 below 2 replaced'])
  })

  it('of several at once is the last, and each has a fence of its own', async () => {
    const [a, b] = [node(), node()]
    const fences = await Promise.all(
      Array.from({ length: 20 }, (_, index) => (index % 2 ? a : b).presence.opened('d-1')),
    )
    expect(fences.toSorted((x, y) => x - y)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1))
    expect(await session('d-1')).toMatchObject({ fence: 20, state: 'connected' })
  })

  it('is found by another process that was not told, which evicts its older one', async () => {
    const [a, b] = [node(), node()]
    await a.presence.opened('d-1')
    await a.presence.opened('d-2')
    await b.presence.opened('d-1')
    await Promise.all([a.presence.check(), a.presence.check()])
    expect(a.evicted).toEqual(['d-1 below 2 replaced'])
    await a.presence.check()
    await b.presence.check()
    expect([...a.evicted, ...b.evicted]).toEqual(['d-1 below 2 replaced'])
    expect(await session('d-1')).toMatchObject({ fence: 2, node: b.presence.nodeId, state: 'connected' })
  })
})

describe('a socket that was opened later than it was wanted', () => {
  it('and is gone replaces nobody: the older one that the driver has comes back for a new session', async () => {
    const [slow, quick] = [node(), node()]
    await quick.presence.opened('d-1')
    const fence = await slow.presence.opened('d-1')
    await closeNow(slow, 'd-1', fence)
    await quick.presence.check()
    expect(quick.evicted).toEqual(['d-1 below 2 lapsed'])
  })
})

describe('what the database did not hear', () => {
  it('of a closing is found by the next check', async () => {
    const a = node()
    const fence = await a.presence.opened('d-1')
    await closeNow(a, 'd-1', fence)
    await database.pool.query("UPDATE driver_sessions SET state = 'connected', grace_until = NULL")
    await a.presence.check()
    await a.presence.settled()
    expect(await session('d-1')).toMatchObject({ state: 'disconnected', graceSeconds: GRACE_SECONDS })
  })

  it('of a socket that is here is said again: a driver who is taken for disconnected is connected', async () => {
    const a = node()
    await a.presence.opened('d-1')
    await database.pool.query(
      "UPDATE driver_sessions SET state = 'disconnected', grace_until = UTC_TIMESTAMP(3)",
    )
    await a.presence.check()
    expect(await session('d-1')).toMatchObject({ fence: 1, state: 'connected', graceSeconds: null })
    expect(a.evicted).toEqual([])
  })

  it('of a driver whom a restore has lost is learnt by connecting again', async () => {
    const a = node()
    await a.presence.opened('d-1')
    await database.pool.query('DELETE FROM driver_sessions')
    await a.presence.check()
    expect(a.evicted).toEqual(['d-1 below 2 lapsed'])
    await a.presence.check()
    expect(a.evicted).toHaveLength(1)
  })
})

describe('a storm', () => {
  const STORM = 5_000
  const users = Array.from({ length: STORM }, (_, index) => `d-${index}`)

  it('of five thousand drivers is eleven transactions and not one for each', async () => {
    const a = node(1)
    const commits = async () => {
      const [rows] = await a.pool.query<RowDataPacket[]>("SHOW SESSION STATUS LIKE 'Com_commit'")
      return Number(rows[0]?.Value)
    }
    const before = await commits()
    const fences = await Promise.all(users.map((userId) => a.presence.opened(userId)))
    expect(new Set(fences)).toEqual(new Set([1]))
    expect((await commits()) - before).toBeLessThanOrEqual(11)
    for (const userId of users) a.presence.closed(userId, 1)
    await a.presence.settled()
    const [rows] = await database.pool.query<RowDataPacket[]>(
      'SELECT state, COUNT(*) AS count FROM driver_sessions GROUP BY state',
    )
    expect(rows).toEqual([{ state: 'disconnected', count: String(STORM) }])
  })

  it('of two processes that exchange their drivers meets no deadlock, and nobody is lost', async () => {
    const [a, b] = [node(), node()]
    const some = users.slice(0, 1_000)
    const split = (index: number) => (index % 2 ? a : b)
    await Promise.all(some.map((userId, index) => split(index).presence.opened(userId)))
    await Promise.all(
      some.map((userId, index) => {
        split(index).presence.closed(userId, 1)
        return split(index + 1).presence.opened(userId)
      }),
    )
    const [rows] = await database.pool.query<RowDataPacket[]>(
      'SELECT node_id, state, fence, COUNT(*) AS count FROM driver_sessions GROUP BY node_id, state, fence',
    )
    expect(rows).toHaveLength(2)
    for (const row of rows) expect(row).toMatchObject({ state: 'connected', fence: '2', count: '500' })
  })
})

it('the promised seven seconds hold the lease, its last renewal and the slowest look', () => {
  const { leaseMs, sweepMs, renewMs, steadyGapMs } = PRESENCE_TEMPO
  // A loop waits one and a half of its interval at most.
  expect(leaseMs + sweepMs * 1.5).toBeLessThan(7_000)
  expect(renewMs * 1.5).toBeLessThan(steadyGapMs)
})
