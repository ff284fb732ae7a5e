import { afterEach, describe, expect, it, vi } from 'vitest'
import { largeWindow } from '../../../../test/support/large-window.ts'
import { DEFAULT_SETTINGS } from '../settings.ts'
import { AssignmentWorker, type AssignmentWorkerOptions } from './assignment-worker.ts'
import { Decider } from './decide.ts'
import { POLICIES } from './policies.ts'

const settings = DEFAULT_SETTINGS
const large = largeWindow({ trips: 300, drivers: 300, nearest: 20, seed: 'decide' })
const thread = (code: string) => new URL(`data:text/javascript,${encodeURIComponent(code)}`)

const workers: AssignmentWorker[] = []
function workerOf(options: AssignmentWorkerOptions = {}): AssignmentWorker {
  const worker = new AssignmentWorker({ timeoutMs: 20_000, ...options })
  workers.push(worker)
  return worker
}
afterEach(() => Promise.all(workers.splice(0).map((worker) => worker.close())))

describe('deciding', () => {
  it('answers from the thread what the policy answers', async () => {
    const worker = workerOf()
    const solve = vi.spyOn(worker, 'solve')
    const decider = new Decider({ worker })
    expect(await decider.decide('batch', large, settings)).toEqual(POLICIES.batch(large, settings))
    expect(solve).toHaveBeenCalledTimes(1)
  })

  it('starts no thread for a small window, nor for another policy', async () => {
    const worker = workerOf()
    const solve = vi.spyOn(worker, 'solve')
    const decider = new Decider({ worker })
    const small = large.slice(0, 10)
    expect(await decider.decide('batch', small, settings)).toEqual(POLICIES.batch(small, settings))
    for (const policy of ['nearest', 'broadcast', 'bidding'] as const)
      expect(await decider.decide(policy, large, settings)).toEqual(POLICIES[policy](large, settings))
    expect(solve).not.toHaveBeenCalled()
  })

  it.each([
    ['dies', thread('process.exit(3)'), 20_000, /ended with 3/],
    ['throws', thread('throw new Error("no such thing")'), 20_000, /no such thing/],
    ['is silent', thread('setInterval(() => {}, 1000)'), 300, /longer than 300 ms/],
  ])('takes the nearest drivers where the thread %s, and says why', async (_, broken, timeoutMs, why) => {
    const troubles: unknown[] = []
    const worker = workerOf({ thread: broken, timeoutMs })
    const decider = new Decider({ worker, onTrouble: (reason) => troubles.push(reason) })
    for (const turn of [1, 2]) {
      expect(await decider.decide('batch', large, settings)).toEqual(POLICIES.nearest(large, settings))
      expect(troubles).toHaveLength(turn)
      // Of the second thread, too: nobody waits for one that is dead.
      expect(String(troubles.at(-1))).toMatch(why)
    }
  })
})

describe('the assignment worker', () => {
  const problem = {
    columns: 1,
    starts: Int32Array.of(0, 1),
    column: Int32Array.of(0),
    cost: Float64Array.of(5),
    alone: Float64Array.of(1_000),
  }

  it('refuses what is too much at a time, and works on', async () => {
    const worker = workerOf({ maxWaiting: 2 })
    const answers = await Promise.allSettled([1, 2, 3].map(() => worker.solve(problem)))
    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected'])
    expect([...(await worker.solve(problem))]).toEqual([0])
  })

  it('has another thread after it was closed, or died', async () => {
    const worker = workerOf()
    const asked = worker.solve(problem)
    const closed = worker.close()
    await expect(asked).rejects.toThrow('closed')
    await closed
    expect([...(await worker.solve(problem))]).toEqual([0])
  })
})
