import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { RowDataPacket } from '../../db/rows.ts'
import { openNode, type TestNode } from '../support/presence.ts'
import { openSeats } from '../support/seats.ts'
import { killWorkers, startWorker } from '../support/workers.ts'
import { type OwnHost, openOwnHost } from './own-host.ts'

const TIMEOUT_MS = 120_000
const SOON = { timeout: 60_000, interval: 50 }
/** A fifth of the real times. */
const TEMPO = {
  leaseMs: 1_000,
  renewMs: 240,
  steadyGapMs: 700,
  graceMs: 6_000,
  sweepMs: 160,
  checkMs: 400,
}
const DRIVERS = Array.from({ length: 20 }, (_, index) => `d-${String(index).padStart(2, '0')}`)

let host: OwnHost
let here: TestNode
const evicted: string[] = []

beforeAll(async () => {
  host = await openOwnHost('presence')
  here = openNode(host.database, TEMPO)
  here.presence.start()
}, TIMEOUT_MS)
afterEach(async () => {
  await killWorkers()
  evicted.length = 0
  await host.pool.query('DELETE FROM driver_sessions')
  await host.pool.query('DELETE FROM driver_details')
})
afterAll(async () => {
  await here?.presence.stop(2_000)
  await here?.pool.end()
  await host?.remove()
}, TIMEOUT_MS)

/** Another process, with drivers at work and a rider in all of his seats. */
async function startNode(drivers: readonly string[], rider: string): Promise<ChildProcess> {
  const node = await startWorker('presence-node')
  const working = once(node, 'message')
  node.send({ database: host.database, redis: host.redis, tempo: TEMPO, drivers, rider })
  await working
  node.on('message', (message: { evicted?: string[] }) => evicted.push(...(message.evicted ?? [])))
  return node
}

/** How many drivers are in which state, and at work: `connected 1` → how many. */
async function states(): Promise<Record<string, number>> {
  const [rows] = await host.pool.query<RowDataPacket[]>(
    `SELECT CONCAT(s.state, ' ', d.is_online) AS name, COUNT(*) AS count
     FROM driver_sessions AS s JOIN driver_details AS d ON d.user_id = s.user_id GROUP BY name`,
  )
  return Object.fromEntries(rows.map((row) => [row.name, Number(row.count)]))
}

/** Until this process may end graces. */
const steady = () =>
  expect
    .poll(async () => (await here.metrics()).steady_seconds ?? 0, SOON)
    .toBeGreaterThan(TEMPO.graceMs / 1_000)

describe('a process that is killed', { timeout: TIMEOUT_MS }, () => {
  it('leaves its drivers disconnected, then offline, and its seats free, by the hand of another process', async () => {
    await steady()
    const node = await startNode(DRIVERS, 'r-1')
    const { seats, redis } = openSeats({
      redis: host.redis,
      installation: host.database.database,
      live: [],
      liveNodes: () => here.presence.liveNodes(),
      nodeId: here.presence.nodeId,
      patient: true,
    })
    const rider = { userId: 'r-1', userType: 'customer', expiresAtMs: Number.MAX_SAFE_INTEGER } as const
    expect(await states()).toEqual({ 'connected 1': 20 })
    await expect.poll(() => seats.take(rider, null), SOON).toBe('user_full')
    node.kill('SIGKILL')
    await expect.poll(states, SOON).toEqual({ 'disconnected 1': 20 })
    await expect.poll(() => seats.take(rider, null), SOON).toBe('taken')
    const back = await Promise.all(DRIVERS.slice(0, 5).map((driver) => here.presence.opened(driver)))
    expect(new Set(back)).toEqual(new Set([2]))
    await expect.poll(states, SOON).toEqual({ 'connected 1': 5, 'offline 0': 15 })
    DRIVERS.slice(0, 5).forEach((driver) => {
      here.presence.closed(driver, 2)
    })
    redis.disconnect()
  })
})

describe('a process that was stopped and goes on', { timeout: TIMEOUT_MS }, () => {
  it('within the grace has its drivers again, but for those who connected elsewhere', async () => {
    const node = await startNode(DRIVERS, 'r-2')
    node.kill('SIGSTOP')
    await expect.poll(states, SOON).toEqual({ 'disconnected 1': 20 })
    const fence = await here.presence.opened('d-00')
    node.kill('SIGCONT')
    await expect.poll(states, SOON).toEqual({ 'connected 1': 20 })
    await expect.poll(() => evicted, SOON).toEqual(['d-00 below 2 replaced'])
    here.presence.closed('d-00', fence)
  })
})

describe('a database that was away for longer than lease and grace', { timeout: TIMEOUT_MS }, () => {
  it.each([
    ['killed', () => host.killMysql(), () => host.reviveMysql()],
    ['frozen', async () => host.freezeMysql(), async () => host.thawMysql()],
  ])('%s, takes nobody offline who is connected to a process that lives', async (_, goAway, comeBack) => {
    const nodes = await Promise.all([
      startNode(DRIVERS.slice(0, 10), 'r-3'),
      startNode(DRIVERS.slice(10), 'r-4'),
    ])
    const doomed = await startNode(['d-doomed'], 'r-5')
    await steady()
    await goAway()
    doomed.kill('SIGKILL')
    await pause(TEMPO.graceMs + TEMPO.leaseMs)
    await comeBack()
    // Whoever sweeps after this was steady for a grace: all that could go wrong has gone wrong.
    await expect.poll(states, SOON).toEqual({ 'connected 1': 20, 'offline 0': 1 })
    const [rows] = await host.pool.query<RowDataPacket[]>('SELECT DISTINCT fence FROM driver_sessions')
    expect(rows).toEqual([{ fence: '1' }])
    expect(evicted).toEqual([])
    expect(nodes.map(({ exitCode }) => exitCode)).toEqual([null, null])
  })
})
