import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { restartDelayMs } from '../src/cluster.ts'
import type { FixturePlan } from './support/cluster-fixture.ts'
import { ClusterRun, gone } from './support/cluster-run.ts'

const runs: ClusterRun[] = []
function start(plan: Partial<FixturePlan>): ClusterRun {
  const run = new ClusterRun(plan)
  runs.push(run)
  return run
}
afterEach(() => {
  for (const run of runs.splice(0)) run.end()
})

describe('a cluster', () => {
  it('has as many workers as asked for, behind one port', async () => {
    const run = start({ workers: 3 })
    const pids = await run.pids(3)
    expect(pids.size).toBe(3)
    expect(pids.has(run.pid)).toBe(false)
    const answer = await fetch(await run.address())
    expect(await answer.json()).toMatchObject({ env: 'from the primary' })
  })

  it('is ready when every worker listens to everything, and tells the ports apart', async () => {
    const run = start({ workers: 3, listeners: 2 })
    const [ready] = await run.said('ready')
    const { port, others } = ready as unknown as { port: number; others: number[] }
    expect(others).toHaveLength(1)
    expect(await (await fetch(`http://127.0.0.1:${others[0]}`)).text()).toBe('another')
    expect(await (await fetch(`http://127.0.0.1:${port}`)).json()).toMatchObject({ env: 'from the primary' })
    expect(run.count('ready')).toBe(1)
  })

  it('replaces a worker that was killed', async () => {
    const run = start({ workers: 2 })
    const [victim = 0] = await run.pids(2)
    process.kill(victim, 'SIGKILL')
    const [fall] = await run.said('worker fell: replacing it')
    expect(fall).toMatchObject({ workerPid: victim, signal: 'SIGKILL', waitMs: 500 })
    await expect.poll(async () => (await run.pids(2)).size, { timeout: 10_000 }).toBe(2)
    expect((await run.pids(2)).has(victim)).toBe(false)
  })

  it('drains all workers on one SIGTERM, answers what is in flight, and exits with 0', async () => {
    const run = start({ workers: 2 })
    const slow = fetch(`${await run.address()}/slow`)
    await run.said('holding a request')
    process.kill(run.pid, 'SIGTERM')
    expect(await (await slow).text()).toBe('slow but answered')
    expect(await run.exited).toBe(0)
    expect(run.count('worker draining')).toBe(2)
    expect(run.lines.at(-2)?.msg).toBe('data host stopped')
    expect(run.lines.at(-1)).toMatchObject({ msg: 'ended', code: 0 })
  })

  it('takes the two SIGINTs of one Ctrl-C, which the workers get too, for one', async () => {
    const run = start({ workers: 2 })
    const slow = fetch(`${await run.address()}/slow`)
    await run.said('holding a request')
    process.kill(-run.pid, 'SIGINT')
    await pause(1)
    process.kill(-run.pid, 'SIGINT')
    expect(await (await slow).text()).toBe('slow but answered')
    expect(await run.exited).toBe(0)
    expect(run.count('asked to stop: draining the workers')).toBe(1)
    expect(run.count('asked again: killing the workers')).toBe(0)
    expect(run.count('worker draining')).toBe(2)
  })

  it('kills the workers on a second signal a second later, and still stops its data host', async () => {
    const run = start({ worker: 'hang', shutdownTimeoutMs: 20_000 })
    await run.address()
    process.kill(run.pid, 'SIGINT')
    await run.said('worker draining', 2)
    // The rule is about time, so time has to pass.
    await pause(1_100)
    process.kill(run.pid, 'SIGINT')
    expect(await run.exited).toBe(1)
    expect(run.count('data host stopped')).toBe(1)
  })

  it('kills workers that do not drain in time, and says so with its exit code', async () => {
    const run = start({ worker: 'hang', shutdownTimeoutMs: 100 })
    await run.address()
    process.kill(run.pid, 'SIGTERM')
    expect(await run.exited).toBe(1)
    expect(run.count('workers did not drain in time: killing them')).toBe(1)
  })

  it('says so with its exit code when a worker failed to drain', async () => {
    const run = start({ worker: 'fail' })
    await run.address()
    process.kill(run.pid, 'SIGTERM')
    expect(await run.exited).toBe(1)
    expect(run.count('worker failed to drain')).toBe(2)
  })

  it('stops at once when its workers only ever crash, having waited longer each time', async () => {
    const run = start({ workers: 1, worker: 'crash' })
    const falls = await run.said('worker fell: replacing it', 3)
    expect(falls.map(({ waitMs }) => waitMs)).toEqual([500, 1_000, 2_000])
    process.kill(run.pid, 'SIGTERM')
    expect(await run.exited).toBe(0)
    // No successor was waiting to be started when the end had come.
    expect(run.count('worker left')).toBe(0)
  })

  it('replaces a worker that was asked to leave alone', async () => {
    const run = start({ workers: 2 })
    const [one = 0] = await run.pids(2)
    process.kill(one, 'SIGTERM')
    const [fall] = await run.said('worker fell: replacing it')
    expect(fall).toMatchObject({ workerPid: one, code: 0 })
  })

  it('leaves no workers behind when the primary is killed, and they answer what is in flight', async () => {
    const run = start({ workers: 2 })
    const pids = await run.pids(2)
    const slow = fetch(`${await run.address()}/slow`)
    await run.said('holding a request')
    process.kill(run.pid, 'SIGKILL')
    expect(await (await slow).text()).toBe('slow but answered')
    await Promise.all([...pids].map(gone))
    const reasons = run.lines.filter(({ msg }) => msg === 'worker draining').map(({ reason }) => reason)
    expect(reasons).toEqual(['primary_died', 'primary_died'])
  })
})

describe('the metrics of a cluster', () => {
  it('are those of all workers added up, asked of any', async () => {
    const run = start({ workers: 2 })
    const address = await run.address()
    for (let count = 0; count < 9; count += 1) await (await fetch(address)).text()
    const text = await (await fetch(`${address}/metrics`)).text()
    expect(text).toMatch(/^answers_total 10$/m)
    expect(text).toMatch(/^undefined_yet nan$/im)
    expect(text).toMatch(/^onceline_cluster_workers 2$/m)
    expect(text).toMatch(/^onceline_cluster_workers_silent 0$/m)
    expect(text).toMatch(/^onceline_cluster_restarts_total 0$/m)
  })

  it('leave a worker out that does not answer, within two seconds', async () => {
    const run = start({ workers: 2 })
    const [frozen = 0] = await run.pids(2)
    const address = await run.address()
    process.kill(frozen, 'SIGSTOP')
    // The frozen worker gets every second connection: the first to be answered is the other's.
    const text = await Promise.any([0, 1].map(async () => (await fetch(`${address}/metrics`)).text()))
    process.kill(frozen, 'SIGCONT')
    expect(text).toMatch(/^onceline_cluster_workers 1$/m)
    expect(text).toMatch(/^onceline_cluster_workers_silent 1$/m)
  })
})

describe('restartDelayMs', () => {
  it('doubles from half a second to half a minute', () => {
    expect([0, 1, 2, 3, 6, 7, 8, 5_000].map(restartDelayMs)).toEqual([
      0, 500, 1_000, 2_000, 16_000, 30_000, 30_000, 30_000,
    ])
  })
})
