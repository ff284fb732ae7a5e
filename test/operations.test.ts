import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Operation } from '../src/idempotency/operation.ts'
import { charge, chargeOperation } from './support/charge.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { createEffects, effectsAt } from './support/once-app.ts'
import { answerIn, kindsOf, requestOf } from './support/once-requests.ts'
import { Provider } from './support/provider.ts'
import { letLeasePass, openSite, type Site, unfinished } from './support/sites.ts'

let database: TestDatabase
let provider: Provider
let here: Site
let there: Site
beforeAll(async () => {
  database = await testDatabase('operations')
  await createEffects(database.pool)
  provider = await Provider.open()
  here = openSite(database.address, [chargeOperation(provider.url)])
  there = openSite(database.address, [chargeOperation(provider.url)])
})
afterAll(async () => {
  await here?.pool.end()
  await there?.pool.end()
  await provider?.close()
  await database?.drop()
})
beforeEach(async () => {
  provider.reset()
  await database.pool.query('DELETE FROM idempotency_operations')
})

describe('an operation', () => {
  it('calls once and books once, and its answer is the same ever after', async () => {
    const key = randomUUID()
    const first = await charge(here.door, key)
    expect(first).toMatchObject({ kind: 'executed', answer: { status: 201 } })
    for (const site of [here, there])
      expect(await charge(site.door, key)).toEqual({ kind: 'replayed', answer: answerIn(first) })
    expect(provider.calls.map((call) => call.key)).toEqual([`${idIn(first)}-start`])
    expect(await effectsAt(database.pool, key)).toEqual(['call-1'])
    expect(await unfinished(database.pool)).toEqual([])
  })

  it('that many want at once, in two processes, is performed once', async () => {
    const key = randomUUID()
    const sites = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? here : there))
    const results = await Promise.all(sites.map((site) => charge(site.door, key)))
    expect(kindsOf(results)).toEqual({ executed: 1, replayed: 19 })
    expect(provider.calls).toHaveLength(1)
    expect(await effectsAt(database.pool, key)).toEqual(['call-1'])
  })

  it('holds no connection while it calls, and is in flight for others; other content is a mismatch at once', async () => {
    const key = randomUUID()
    provider.isAnswering = false
    const called = provider.next()
    const first = charge(here.door, key)
    const call = await called
    await here.pool.query('SELECT 1')
    for (const site of [here, there]) {
      expect(await charge(site.door, key, 'other')).toEqual({ kind: 'mismatch' })
      expect(await charge(site.door, key)).toEqual({ kind: 'in_flight' })
    }
    await letLeasePass(database.pool, key, 5)
    expect(await there.completer.runOnce(), 'its lease is not over').toBe(0)
    call.answer()
    expect(await charge(there.door, key)).toEqual({ kind: 'replayed', answer: answerIn(await first) })
    expect(provider.calls).toHaveLength(1)
  })

  it('that has to wait is in flight, and the completer finishes it, under the same key for the provider', async () => {
    const key = randomUUID()
    provider.isAnswering = false
    const called = provider.next()
    const first = charge(here.door, key)
    ;(await called).answer(202)
    expect(await first).toEqual({ kind: 'in_flight' })
    provider.isAnswering = true
    expect(await there.completer.runOnce()).toBe(1)
    expect(await charge(here.door, key)).toMatchObject({ kind: 'replayed', answer: { status: 201 } })
    expect(new Set(provider.calls.map((call) => call.key)).size).toBe(1)
    expect(await effectsAt(database.pool, key)).toEqual(['call-2'])
  })

  it('whose step fails is in flight, waits longer with each failure, and is finished in the end', async () => {
    const key = randomUUID()
    provider.isAnswering = false
    const fails = provider.next().then((call) => call.answer(500))
    expect(await charge(here.door, key)).toEqual({ kind: 'in_flight' })
    await fails
    expect(await unfinished(database.pool)).toMatchObject([
      { phase: 'start', fence: 1, attempts: 1, last_error: 'the provider said 500' },
    ])
    expect(await there.completer.runOnce(), 'it waits').toBe(0)
    await letLeasePass(database.pool, key, 3)
    provider.isAnswering = true
    expect(await there.completer.runOnce()).toBe(1)
    expect(await charge(here.door, key)).toMatchObject({ kind: 'replayed' })
    expect(new Set(provider.calls.map((call) => call.key)).size).toBe(1)
    expect(here.lines.map(({ msg }) => msg)).toContain('a step failed and will be tried again')
  })
})

describe('what cannot be committed', () => {
  it('is rolled back and tried again, and an alarm after ten failures', async () => {
    let writes = 0
    const key = randomUUID()
    const broken: Operation = {
      name: 'broken',
      step: async ({ id }) => ({
        kind: 'advance',
        phase: 'next',
        write: async (connection) => {
          await connection.query("INSERT INTO effects VALUES (?, ?, 'half')", [id, key])
          writes += 1
          throw new Error('the second half fails')
        },
      }),
    }
    const site = openSite(database.address, [broken])
    const request = { ...requestOf(key), operation: 'broken', input: null }
    expect(await site.door.run(request)).toEqual({ kind: 'in_flight' })
    for (let turn = 0; turn < 9; turn += 1) {
      await letLeasePass(database.pool, key, 400)
      expect(await site.completer.runOnce()).toBe(1)
    }
    expect(writes).toBe(10)
    expect(await effectsAt(database.pool, key)).toEqual([])
    expect(await unfinished(database.pool)).toMatchObject([{ phase: 'start', attempts: 10, fence: 10 }])
    expect(site.lines.filter(({ msg }) => String(msg).startsWith('ALARM'))).toHaveLength(1)
    await site.pool.end()
  })
})

function idIn(result: Parameters<typeof answerIn>[0]): string {
  return JSON.parse(answerIn(result).body.toString()).id
}
