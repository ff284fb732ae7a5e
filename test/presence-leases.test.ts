import { describe, expect, it } from 'vitest'
import { openSessions } from '../src/realtime/presence/presence-store.ts'
import { openNode, SLOW } from './support/presence.ts'
import { presenceScene } from './support/presence-scene.ts'
import { inTx } from './support/trips.ts'

const { leaseMs, graceMs } = SLOW
const GRACE_SECONDS = graceMs / 1_000
const scene = presenceScene('presence-leases')

describe('a process that died', () => {
  it('leaves its drivers disconnected when its lease is over, and no others', async () => {
    const { a, b } = scene
    await scene.works(a, 'd-1')
    await b.presence.opened('d-2')
    await scene.pass(leaseMs - 1_000, a)
    await scene.sweep(a)
    expect(await scene.stateOf('d-2')).toBe('connected')
    await scene.pass(2_000, a)
    await scene.sweep(a)
    expect(await scene.session('d-2')).toMatchObject({
      fence: 1,
      state: 'disconnected',
      graceSeconds: GRACE_SECONDS,
    })
    expect(await scene.stateOf('d-1')).toBe('connected')
    expect(await a.metrics()).toMatchObject({
      leases_swept_total: 1,
      'moves_total{to="disconnected",by="lease"}': 1,
    })
    expect(a.presence.liveNodes()).toEqual([a.presence.nodeId])
    await scene.sweep(a)
    expect(await a.metrics()).toMatchObject({ leases_swept_total: 1 })
  })

  it('of more drivers than a batch leaves them all disconnected', async () => {
    const { a, b } = scene
    await Promise.all(Array.from({ length: 450 }, (_, index) => b.presence.opened(`d-${index}`)))
    await scene.pass(leaseMs + 1_000, a)
    await scene.sweep(a)
    expect(await a.metrics()).toMatchObject({
      leases_swept_total: 1,
      'moves_total{to="disconnected",by="lease"}': 450,
    })
  })

  it('is waited for like anybody: its drivers are offline after the same grace, once, and work no more', async () => {
    const { a, b } = scene
    await scene.works(b, 'd-1')
    await scene.pass(leaseMs + 1_000, a)
    await scene.sweep(a)
    await scene.pass(graceMs - 10_000, a)
    await scene.sweep(a)
    expect([await scene.stateOf('d-1'), await scene.duty('d-1')]).toEqual(['disconnected', '1 available'])
    await scene.pass(11_000, a)
    await scene.sweep(a)
    expect(await scene.session('d-1')).toMatchObject({ state: 'offline', graceSeconds: null })
    expect(await scene.duty('d-1')).toBe('0 unavailable')
    await scene.sweep(a)
    expect(await a.metrics()).toMatchObject({ 'moves_total{to="offline",by="grace"}': 1 })
  })

  it('is swept by two others at once, once', async () => {
    const { a, b } = scene
    const c = openNode(scene.database.address)
    await Promise.all(Array.from({ length: 30 }, (_, index) => scene.works(c, `d-${index}`)))
    await scene.pass(leaseMs + 1_000, a, b)
    await Promise.all([scene.sweep(a), scene.sweep(b)])
    await scene.pass(graceMs + 1_000, a, b)
    await Promise.all([scene.sweep(a), scene.sweep(b), scene.sweep(a), scene.sweep(b)])
    const metrics = [await a.metrics(), await b.metrics()]
    const sum = (name: string) => metrics.reduce((total, one) => total + (one[name] ?? 0), 0)
    expect(sum('moves_total{to="disconnected",by="lease"}')).toBe(30)
    expect(sum('moves_total{to="offline",by="grace"}')).toBe(30)
    expect(sum('leases_swept_total')).toBe(1)
    await c.pool.end()
  })
})

describe('a driver who comes back', () => {
  it('within the grace stays at work, on any process', async () => {
    const { a, b } = scene
    a.presence.closed('d-1', await scene.works(a, 'd-1'))
    await a.presence.settled()
    await scene.pass(graceMs - 10_000, b)
    await b.presence.opened('d-1')
    await scene.pass(graceMs, b)
    await scene.sweep(b)
    expect([await scene.stateOf('d-1'), await scene.duty('d-1')]).toEqual(['connected', '1 available'])
  })

  it('in the moment in which the grace ends, and is first, stays at work', async () => {
    const { a, b } = scene
    a.presence.closed('d-1', await scene.works(a, 'd-1'))
    await a.presence.settled()
    await scene.pass(graceMs + 1_000, b)
    await inTx(scene.database.pool, async (connection) => {
      await openSessions(connection, b.presence.nodeId, new Map([['d-1', 1]]))
      // His row is locked and not committed: the sweep must neither wait nor take him.
      await scene.sweep(b)
    })
    await scene.sweep(b)
    expect([await scene.stateOf('d-1'), await scene.duty('d-1')]).toEqual(['connected', '1 available'])
  })

  it('in that moment, at the same time, is never connected and then taken offline', async () => {
    const { a, b } = scene
    const users = Array.from({ length: 60 }, (_, index) => `d-${index}`)
    for (const user of users) a.presence.closed(user, await scene.works(a, user))
    await a.presence.settled()
    await scene.pass(graceMs + 1_000, a, b)
    await Promise.all([
      ...users.slice(0, 30).map((user) => b.presence.opened(user)),
      scene.sweep(a),
      ...users.slice(30).map((user) => a.presence.opened(user)),
      scene.sweep(b),
    ])
    await scene.sweep(a)
    for (const user of users)
      expect(await scene.session(user)).toMatchObject({ fence: 2, state: 'connected' })
  })
})
