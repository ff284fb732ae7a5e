import { randomUUID } from 'node:crypto'
import { afterEach, expect, it } from 'vitest'
import type { Operation } from '../src/idempotency/operation.ts'
import { readOperationBacklog } from '../src/idempotency/operation-backlog.ts'
import { openApp, type TestApp } from './support/app.ts'
import { chargeOperation } from './support/charge.ts'
import { useCharging } from './support/charging.ts'
import { effectsAt } from './support/once-app.ts'
import { requestOf } from './support/once-requests.ts'
import { letLeasePass, openSite, unfinished } from './support/sites.ts'

const sites = useCharging('operations-app')
/** The backlog is read every five seconds. */
const READ_TIMEOUT_MS = 15_000
let app: TestApp | null = null

afterEach(async () => {
  await app?.stop()
  app = null
})

it('the service goes on with work that has no owner', async () => {
  const key = randomUUID()
  await abandon(key, 'charge')
  app = await openApp(sites.database, { operations: [chargeOperation(sites.provider.url)] })
  await expect
    .poll(() => effectsAt(sites.database.pool, key), { timeout: READ_TIMEOUT_MS })
    .toEqual(['call-1'])
  expect(await unfinished(sites.database.pool)).toEqual([])
})

it('what it does not know is left alone, counted, and said in one line', async () => {
  await abandon(randomUUID(), 'of-a-newer-version')
  app = await openApp(sites.database, { operations: [chargeOperation(sites.provider.url)] })
  const states = (): Promise<string[]> => app?.metrics('onceline_operations_open{') ?? Promise.resolve([])
  await expect
    .poll(states, { timeout: READ_TIMEOUT_MS })
    .toEqual([
      'onceline_operations_open{state="running"} 0',
      'onceline_operations_open{state="orphaned"} 0',
      'onceline_operations_open{state="unknown"} 1',
      'onceline_operations_open{state="set_aside"} 0',
    ])
  expect(app.lines.map((line) => JSON.parse(line)).filter(({ operations }) => operations)).toMatchObject([
    { operations: ['of-a-newer-version'], count: 1, level: 'error' },
  ])
  expect(await unfinished(sites.database.pool)).toMatchObject([{ fence: 1 }])
})

it('every state is counted once', async () => {
  const keys = [randomUUID(), randomUUID(), randomUUID(), randomUUID()] as const
  for (const [index, name] of ['charge', 'charge', 'other', 'charge'].entries())
    await abandon(keys[index] ?? '', name)
  await letLeasePass(sites.database.pool, keys[0], -120)
  await sites.database.pool.query(
    `UPDATE idempotency_operations SET set_aside_at = UTC_TIMESTAMP(3)
     WHERE id = (SELECT id FROM idempotency_keys WHERE record_key = ?)`,
    [requestOf(keys[3]).key],
  )
  expect(await readOperationBacklog(sites.database.pool, (name) => name === 'charge')).toEqual({
    states: { running: 1, orphaned: 1, unknown: 1, set_aside: 1 },
    unknown: ['other'],
  })
})

/** Work whose owner is gone, and whose lease is over. */
async function abandon(key: string, name: string): Promise<void> {
  const stepping = Promise.withResolvers<void>()
  const step: Operation['step'] = () => {
    stepping.resolve()
    return new Promise(() => undefined)
  }
  const stuck = openSite(sites.database.address, [{ name, step }])
  void stuck.door.run({ ...requestOf(key), operation: name, input: { place: key } }).catch(() => undefined)
  await stepping.promise
  await stuck.pool.end()
  await letLeasePass(sites.database.pool, key, 60)
}
