import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Operation } from '../src/idempotency/operation.ts'
import { charge } from './support/charge.ts'
import { useCharging } from './support/charging.ts'
import { effectsAt } from './support/once-app.ts'
import { answerIn, kindsOf, requestOf } from './support/once-requests.ts'
import { letLeasePass, openSite, unfinished } from './support/sites.ts'

const sites = useCharging('operations')

describe('an operation', () => {
  it('calls once and books once, and its answer is the same ever after', async () => {
    const key = randomUUID()
    const first = await charge(sites.here.door, key)
    expect(first).toMatchObject({ kind: 'executed', answer: { status: 201 } })
    for (const site of [sites.here, sites.there])
      expect(await charge(site.door, key)).toEqual({ kind: 'replayed', answer: answerIn(first) })
    expect(sites.provider.calls.map((call) => call.key)).toEqual([`${idIn(first)}-start`])
    expect(await effectsAt(sites.database.pool, key)).toEqual(['call-1'])
    expect(await unfinished(sites.database.pool)).toEqual([])
  })

  it('that many want at once, in two processes, is performed once', async () => {
    const key = randomUUID()
    const many = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? sites.here : sites.there))
    const results = await Promise.all(many.map((site) => charge(site.door, key)))
    expect(kindsOf(results)).toEqual({ executed: 1, replayed: 19 })
    expect(sites.provider.calls).toHaveLength(1)
    expect(await effectsAt(sites.database.pool, key)).toEqual(['call-1'])
  })

  it('holds no connection while it calls, and is in flight for others; other content is a mismatch at once', async () => {
    const key = randomUUID()
    sites.provider.isAnswering = false
    const called = sites.provider.next()
    const first = charge(sites.here.door, key)
    const call = await called
    await sites.here.pool.query('SELECT 1')
    for (const site of [sites.here, sites.there]) {
      expect(await charge(site.door, key, 'other')).toEqual({ kind: 'mismatch' })
      expect(await charge(site.door, key)).toEqual({ kind: 'in_flight' })
    }
    await letLeasePass(sites.database.pool, key, 5)
    expect(await sites.there.completer.runOnce(), 'its lease is not over').toBe(0)
    call.answer()
    expect(await charge(sites.there.door, key)).toEqual({ kind: 'replayed', answer: answerIn(await first) })
    expect(sites.provider.calls).toHaveLength(1)
  })

  it('that has to wait is in flight, and the completer finishes it, under the same key for the provider', async () => {
    const key = randomUUID()
    sites.provider.isAnswering = false
    const called = sites.provider.next()
    const first = charge(sites.here.door, key)
    ;(await called).answer(202)
    expect(await first).toEqual({ kind: 'in_flight' })
    sites.provider.isAnswering = true
    expect(await sites.there.completer.runOnce()).toBe(1)
    expect(await charge(sites.here.door, key)).toMatchObject({ kind: 'replayed', answer: { status: 201 } })
    expect(new Set(sites.provider.calls.map((call) => call.key)).size).toBe(1)
    expect(await effectsAt(sites.database.pool, key)).toEqual(['call-2'])
  })

  it('whose step fails is in flight, waits longer with each failure, and is finished in the end', async () => {
    const key = randomUUID()
    sites.provider.isAnswering = false
    const fails = sites.provider.next().then((call) => call.answer(500))
    expect(await charge(sites.here.door, key)).toEqual({ kind: 'in_flight' })
    await fails
    expect(await unfinished(sites.database.pool)).toMatchObject([
      { phase: 'start', fence: 1, attempts: 1, last_error: 'the provider said 500' },
    ])
    expect(await sites.there.completer.runOnce(), 'it waits').toBe(0)
    await letLeasePass(sites.database.pool, key, 3)
    sites.provider.isAnswering = true
    expect(await sites.there.completer.runOnce()).toBe(1)
    expect(await charge(sites.here.door, key)).toMatchObject({ kind: 'replayed' })
    expect(new Set(sites.provider.calls.map((call) => call.key)).size).toBe(1)
    expect(sites.here.lines.map(({ msg }) => msg)).toContain('a step failed and will be tried again')
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
    const site = openSite(sites.database.address, [broken])
    const request = { ...requestOf(key), operation: 'broken', input: null }
    expect(await site.door.run(request)).toEqual({ kind: 'in_flight' })
    for (let turn = 0; turn < 9; turn += 1) {
      await letLeasePass(sites.database.pool, key, 400)
      expect(await site.completer.runOnce()).toBe(1)
    }
    expect(writes).toBe(10)
    expect(await effectsAt(sites.database.pool, key)).toEqual([])
    expect(await unfinished(sites.database.pool)).toMatchObject([{ phase: 'start', attempts: 10, fence: 10 }])
    expect(site.lines.filter(({ msg }) => String(msg).startsWith('ALARM'))).toHaveLength(1)
    await site.pool.end()
  })
})

function idIn(result: Parameters<typeof answerIn>[0]): string {
  return JSON.parse(answerIn(result).body.toString()).id
}
