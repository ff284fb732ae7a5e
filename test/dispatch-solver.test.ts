import { Writable } from 'node:stream'
import { Registry } from 'prom-client'
import { afterAll, expect, it } from 'vitest'
import { openDecider } from '../src/app/dispatch.ts'
import { createLogger } from '../src/base/log.ts'
import { createDispatchMetrics } from '../src/matching/dispatch/metrics.ts'
import { AssignmentWorker } from '../src/matching/dispatch/policies/assignment-worker.ts'
import { POLICIES } from '../src/matching/dispatch/policies/policies.ts'
import { DEFAULT_SETTINGS } from '../src/matching/dispatch/settings.ts'
import { largeWindow } from './support/large-window.ts'

// Each problem kills its thread, as one that is too large for its heap would.
const DYING = new URL(
  `data:text/javascript,${encodeURIComponent(
    "import { parentPort } from 'node:worker_threads'; parentPort.on('message', () => process.exit(9))",
  )}`,
)
const worker = new AssignmentWorker({ thread: DYING, timeoutMs: 20_000 })
afterAll(() => worker.close())

it('a window whose solver is killed is served all the same; it is counted, and logged for some', async () => {
  const window = largeWindow({ trips: 300, drivers: 300, nearest: 20, seed: 'killed' })
  const registry = new Registry()
  const metrics = createDispatchMetrics(registry)
  expect(await registry.metrics()).toContain('onceline_dispatch_solver_failures_total 0')
  let logged = ''
  const destination = new Writable({
    write: (chunk, _encoding, done) => {
      logged += String(chunk)
      done()
    },
  })
  const { decide } = openDecider({ log: createLogger({ level: 'info', destination }), metrics, worker })
  for (let turn = 1; turn <= 5; turn += 1) {
    const plans = await decide('batch', window, DEFAULT_SETTINGS)
    expect(plans).toEqual(POLICIES.nearest(window, DEFAULT_SETTINGS))
    expect(await registry.metrics()).toContain(`onceline_dispatch_solver_failures_total ${turn}`)
  }
  const lines = logged.trim().split('\n')
  expect(lines).toHaveLength(3)
  expect(lines[0]).toContain('the assignment thread ended with 9')
})
