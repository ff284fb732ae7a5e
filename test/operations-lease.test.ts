import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createLogger } from '../src/base/log.ts'
import {
  advanceOperation,
  endOperation,
  FencedOff,
  postponeOperation,
} from '../src/idempotency/operation-store.ts'
import { keyPruner } from '../src/idempotency/pruner.ts'
import { charge } from './support/charge.ts'
import { useCharging } from './support/charging.ts'
import { effectsAt } from './support/once-app.ts'
import { letLeasePass, openSite, unfinished } from './support/sites.ts'

const sites = useCharging('operations-lease')

describe('an owner whose lease is over', () => {
  it('loses the work to one other owner, with the fence that counts owners', async () => {
    const key = randomUUID()
    await abandon(key)
    await letLeasePass(sites.database.pool, key, 30)
    const taken = await Promise.all(
      [sites.here, sites.there, sites.here, sites.there].map((site) => site.operations.takeOrphans(10)),
    )
    expect(taken.flat()).toMatchObject([{ fence: 2, phase: 'start', operation: 'charge' }])
    expect(await sites.here.operations.takeOrphans(10), 'the new lease has begun').toEqual([])
  })

  it('can commit nothing more: not the next phase, not the end, not a delay', async () => {
    const key = randomUUID()
    await abandon(key)
    const before = await sites.here.operations.takeOrphans(10)
    expect(before).toEqual([])
    await letLeasePass(sites.database.pool, key, 30)
    const [mine] = await sites.here.operations.takeOrphans(10)
    await letLeasePass(sites.database.pool, key, 30)
    const theirs = await sites.there.operations.takeSuspect()
    if (!mine || !theirs) return expect.fail('both were owners')
    const next = { phase: 'book', memo: { call: 99 } }
    await expect(advanceOperation(sites.here.pool, mine, next, 30)).rejects.toThrow(FencedOff)
    await expect(endOperation(sites.here.pool, mine)).rejects.toThrow(FencedOff)
    await expect(postponeOperation(sites.here.pool, mine, 0, null)).rejects.toThrow(FencedOff)
    await expect(sites.here.operations.drive(mine)).rejects.toThrow(FencedOff)
    expect(await effectsAt(sites.database.pool, key)).toEqual([])
    expect(await sites.there.operations.drive(theirs)).toMatchObject({ status: 201 })
    expect(await effectsAt(sites.database.pool, key)).toEqual(['call-2'])
  })

  it('is replaced by the same request, which then gets the answer', async () => {
    const key = randomUUID()
    await abandon(key)
    await letLeasePass(sites.database.pool, key, 30)
    expect(await charge(sites.there.door, key)).toMatchObject({ kind: 'replayed', answer: { status: 201 } })
    expect(await effectsAt(sites.database.pool, key)).toEqual(['call-1'])
  })

  it('is replaced only by a process that knows the operation', async () => {
    const key = randomUUID()
    await abandon(key)
    await letLeasePass(sites.database.pool, key, 30)
    const older = openSite(sites.database.address, [
      { name: 'other', step: async () => ({ kind: 'later', seconds: 1 }) },
    ])
    expect(await older.completer.runOnce()).toBe(0)
    expect(await openSite(sites.database.address, []).completer.runOnce()).toBe(0)
    expect(await sites.there.completer.runOnce()).toBe(1)
    await older.pool.end()
  })
})

it('work that is not finished is never pruned, however old it is', async () => {
  const key = randomUUID()
  await abandon(key)
  await sites.database.pool.query('UPDATE idempotency_keys SET created_at = created_at - INTERVAL 500 DAY')
  const pruner = keyPruner({ pool: sites.here.pool, log: createLogger({ level: 'silent' }) })
  expect(await pruner.runOnce()).toEqual({ answers: 0, keys: 0 })
  await letLeasePass(sites.database.pool, key, 30)
  expect(await charge(sites.there.door, key)).toMatchObject({ kind: 'replayed' })
})

/** A claim whose owner is gone, as a process leaves it that dies in its first phase. */
async function abandon(key: string): Promise<void> {
  const stuck = openSite(sites.database.address, [
    { name: 'charge', step: () => new Promise(() => undefined) },
  ])
  void charge(stuck.door, key).catch(() => undefined)
  await expect.poll(() => unfinished(sites.database.pool)).toHaveLength(1)
  await stuck.pool.end()
}
