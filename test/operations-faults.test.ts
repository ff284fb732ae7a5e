import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { listenToCheckpoints } from '../src/base/checkpoint.ts'
import { charge, chargeOperation } from './support/charge.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { createEffects, effectsAt } from './support/once-app.ts'
import { answerIn } from './support/once-requests.ts'
import { Provider } from './support/provider.ts'
import { openSite, type Site, unfinished } from './support/sites.ts'
import { TcpProxy } from './support/tcp-proxy.ts'

let database: TestDatabase
let provider: Provider
let proxy: TcpProxy
let site: Site

beforeAll(async () => {
  database = await testDatabase('operations-faults')
  await createEffects(database.pool)
  provider = await Provider.open()
})
afterAll(async () => {
  await provider?.close()
  await database?.drop()
})
beforeEach(async () => {
  provider.reset()
  proxy = await TcpProxy.open(database.address)
  const address = { ...database.address, host: '127.0.0.1', port: proxy.port }
  site = openSite(address, [chargeOperation(provider.url)])
  await charge(site.door, randomUUID())
  provider.reset()
})
afterEach(async () => {
  listenToCheckpoints(null)
  await proxy.close()
  await site.pool.end().catch(() => undefined)
})

describe('a connection that is cut at the commit', () => {
  const moments = ['request', 'sent', 'answer'] as const
  const commits = ['claim', 'phase', 'answer'] as const
  it.each(commits.flatMap((of) => moments.map((at) => ({ of, at }))))(
    'of the $of ($at): one call, one effect, and the answer at once',
    async ({ of, at }) => {
      const key = randomUUID()
      const struck = armAt(commits.indexOf(of), at)
      const result = await charge(site.door, key)
      await struck
      expect(result).toMatchObject({ kind: 'executed', answer: { status: 201 } })
      expect(await charge(site.door, key)).toEqual({ kind: 'replayed', answer: answerIn(result) })
      expect(provider.calls).toHaveLength(1)
      for (const place of [`${key}-called`, key])
        expect(await effectsAt(database.pool, place)).toEqual(['call-1'])
      expect(await unfinished(database.pool)).toEqual([])
    },
  )
})

it('an answer is not given before the server has answered its commit', async () => {
  const key = randomUUID()
  let fenced = 0
  listenToCheckpoints((checkpoint) => {
    if (checkpoint === 'operation:fenced') fenced += 1
    if (checkpoint === 'operation:commit-sent' && fenced === 2) proxy.holdAnswers()
  })
  let isGiven = false
  const asked = charge(site.door, key).finally(() => {
    isGiven = true
  })
  await proxy.answersHeld(1)
  expect(await effectsAt(database.pool, key), 'it is committed').toEqual(['call-1'])
  expect(isGiven).toBe(false)
  proxy.releaseAnswers()
  expect((await asked).kind).toBe('executed')
})

/** Cuts the link at the COMMIT that follows so many others. */
async function armAt(others: number, at: 'request' | 'sent' | 'answer'): Promise<void> {
  const ready = Promise.withResolvers<void>()
  let committed = 0
  const arm = (): void => void proxy.arm({ at, containing: 'COMMIT' }).then(ready.resolve)
  if (others === 0) arm()
  listenToCheckpoints((checkpoint) => {
    if (checkpoint === 'operation:claimed' || checkpoint === 'operation:committed') {
      committed += 1
      if (committed === others) arm()
    }
  })
  await ready.promise
}
