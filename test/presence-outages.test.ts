import { describe, expect, it } from 'vitest'
import { letPass, SLOW } from './support/presence.ts'
import { presenceScene } from './support/presence-scene.ts'

const { leaseMs, graceMs } = SLOW
const GRACE_SECONDS = graceMs / 1_000
const scene = presenceScene('presence-outages')

describe('a process that was held up', () => {
  it('takes its lease again, and says that its sockets are there', async () => {
    const { a, b } = scene
    await scene.works(b, 'd-1')
    await scene.pass(leaseMs + 1_000, a)
    await scene.sweep(a)
    await b.presence.renew()
    expect(await scene.session('d-1')).toMatchObject({
      fence: 1,
      node: b.presence.nodeId,
      state: 'connected',
    })
    expect(b.evicted).toEqual([])
    expect(await b.metrics()).toMatchObject({
      leases_lost_total: 1,
      'moves_total{to="connected",by="check"}': 1,
    })
    await scene.pass(graceMs + leaseMs, a, b)
    await scene.sweep(a)
    expect([await scene.stateOf('d-1'), await scene.duty('d-1')]).toEqual(['connected', '1 available'])
    expect(b.lines.join()).toContain('took a new one')
  })

  it('evicts those whom others have meanwhile', async () => {
    const { a, b } = scene
    await b.presence.opened('d-1')
    await scene.pass(leaseMs + 1_000, a)
    await scene.sweep(a)
    await a.presence.opened('d-1')
    await b.presence.renew()
    expect(b.evicted).toEqual(['d-1 below 2 replaced'])
    expect(await scene.session('d-1')).toMatchObject({
      fence: 2,
      node: a.presence.nodeId,
      state: 'connected',
    })
  })

  it('longer than the grace evicts those who were taken offline, so that they learn it', async () => {
    const { a, b } = scene
    await scene.works(b, 'd-1')
    await scene.pass(leaseMs + 1_000, a)
    await scene.sweep(a)
    await scene.pass(graceMs + 1_000, a)
    await scene.sweep(a)
    await b.presence.renew()
    expect(b.evicted).toEqual(['d-1 below 2 lapsed'])
    expect([await scene.stateOf('d-1'), await scene.duty('d-1')]).toEqual(['offline', '0 unavailable'])
    await b.presence.opened('d-1')
    expect(await scene.session('d-1')).toMatchObject({ fence: 2, state: 'connected' })
  })

  it('and lets somebody in before its next renewal has a lease again: no session is without one', async () => {
    const { a, b } = scene
    await b.presence.opened('d-1')
    await scene.pass(leaseMs + 1_000, a)
    await scene.sweep(a)
    await b.presence.opened('d-2')
    await scene.pass(leaseMs + 1_000, a)
    await scene.sweep(a)
    expect(await scene.stateOf('d-2')).toBe('disconnected')
  })
})

describe('a database that was away', () => {
  it('takes nobody from a process that lives, though all leases are over at once', async () => {
    const { a, b } = scene
    await scene.works(a, 'd-1')
    await scene.works(b, 'd-2')
    await scene.pass(2 * graceMs, a, b)
    await letPass(scene.database.pool, 120_000_000)
    await a.presence.renew()
    await scene.sweep(a)
    expect(await scene.stateOf('d-2')).toBe('connected')
    expect(a.presence.liveNodes()).toContain(b.presence.nodeId)
    await scene.pass(leaseMs / 2, a)
    await scene.sweep(a)
    await b.presence.renew()
    await scene.pass(2 * graceMs, a, b)
    await Promise.all([scene.sweep(a), scene.sweep(b)])
    expect([await scene.stateOf('d-1'), await scene.stateOf('d-2')]).toEqual(['connected', 'connected'])
    expect([await scene.duty('d-1'), await scene.duty('d-2')]).toEqual(['1 available', '1 available'])
  })

  it('gives whoever was disconnected a whole grace, since he may have found the door closed', async () => {
    const { a } = scene
    await scene.pass(2 * graceMs, a)
    a.presence.closed('d-1', await scene.works(a, 'd-1'))
    await a.presence.settled()
    await letPass(scene.database.pool, 120_000_000)
    await a.presence.renew()
    await scene.pass(graceMs - 100_000, a)
    await scene.sweep(a)
    expect(await scene.stateOf('d-1')).toBe('disconnected')
    await scene.pass(101_000, a)
    await scene.sweep(a)
    expect(await scene.stateOf('d-1')).toBe('offline')
  })

  it('and is away again since the last renewal lets nobody end anything', async () => {
    const { a, b } = scene
    await b.presence.opened('d-1')
    await scene.pass(leaseMs + 1_000, a)
    await letPass(scene.database.pool, SLOW.steadyGapMs + 1_000)
    await scene.sweep(a)
    expect(await scene.stateOf('d-1')).toBe('connected')
    await a.presence.renew()
    await scene.sweep(a)
    expect(await scene.stateOf('d-1')).toBe('connected')
  })

  it('leaves a process that dies meanwhile to be found: its drivers are disconnected a lease later', async () => {
    const { a, b } = scene
    await a.presence.renew()
    await b.presence.opened('d-1')
    await letPass(scene.database.pool, 120_000_000)
    await a.presence.renew()
    await scene.pass(leaseMs, a)
    await scene.sweep(a)
    expect(await scene.stateOf('d-1')).toBe('disconnected')
    expect(a.presence.liveNodes()).toEqual([a.presence.nodeId])
  })
})

describe('a process that ends', () => {
  it('leaves its drivers disconnected with a grace, and gives its lease back', async () => {
    const { a, b } = scene
    await scene.works(a, 'd-1')
    a.presence.closed('d-2', await a.presence.opened('d-2'))
    await a.presence.stop(5_000)
    for (const user of ['d-1', 'd-2'])
      expect(await scene.session(user)).toMatchObject({ state: 'disconnected', graceSeconds: GRACE_SECONDS })
    expect(await scene.duty('d-1')).toBe('1 available')
    await b.presence.renew()
    expect(b.presence.liveNodes()).toEqual([b.presence.nodeId])
    await expect(a.presence.opened('d-3')).rejects.toThrow('lets nobody in')
    expect(await b.presence.opened('d-1')).toBe(2)
  })

  it('leaves those disconnected, too, whose closing the database did not hear', async () => {
    const { a } = scene
    a.presence.closed('d-1', await a.presence.opened('d-1'))
    await a.presence.settled()
    await scene.database.pool.query("UPDATE driver_sessions SET state = 'connected', grace_until = NULL")
    await a.presence.stop(5_000)
    expect(await scene.session('d-1')).toMatchObject({
      state: 'disconnected',
      graceSeconds: GRACE_SECONDS,
    })
  })
})
