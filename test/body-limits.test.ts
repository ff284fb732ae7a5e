import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BodyBudget, bodyBudget, MAX_BODY_BYTES, readBody } from '../src/webhooks/body.ts'
import { openApp, type TestApp } from './support/app.ts'
import { countOf } from './support/books.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'

/** A request of which the test pushes each part. */
function request(headers: IncomingHttpHeaders = {}): Readable & IncomingMessage {
  return Object.assign(new Readable({ read: () => {} }), { headers }) as Readable & IncomingMessage
}

function budgetOf(limitBytes: number): BodyBudget {
  return { limitBytes, heldBytes: 0 }
}

describe('the bytes of bodies that are being read', () => {
  it('count while they are held, and only those that came', async () => {
    const budget = budgetOf(100)
    const incoming = request({ 'content-length': '90' })
    const reading = readBody(incoming, budget)
    expect(budget.heldBytes).toBe(0)
    incoming.push(Buffer.alloc(40))
    await expect.poll(() => budget.heldBytes).toBe(40)
    incoming.push(Buffer.alloc(50))
    incoming.push(null)
    expect(await reading).toEqual({ kind: 'read', body: Buffer.alloc(90) })
    expect(budget.heldBytes).toBe(0)
  })

  it.each<[string, (incoming: Readable) => void, string]>([
    ['an end', (incoming) => incoming.push(null), 'read'],
    ['an abort', (incoming) => incoming.destroy(), 'aborted'],
    ['an error', (incoming) => incoming.destroy(new Error('ECONNRESET')), 'aborted'],
    ['too much', (incoming) => incoming.push(Buffer.alloc(MAX_BODY_BYTES)), 'too_large'],
    ['too much of all', (incoming) => incoming.push(Buffer.alloc(MAX_BODY_BYTES - 10)), 'overloaded'],
  ])('are given back once after %s', async (_, finish, kind) => {
    const budget = budgetOf(MAX_BODY_BYTES)
    budget.heldBytes = 7
    const incoming = request()
    const reading = readBody(incoming, budget)
    incoming.push(Buffer.alloc(10))
    await expect.poll(() => budget.heldBytes).toBe(17)
    finish(incoming)
    expect(await reading).toMatchObject({ kind })
    expect(budget.heldBytes).toBe(7)
    // What still comes afterwards is neither held nor given back a second time.
    if (!incoming.destroyed && kind !== 'read') incoming.push(Buffer.alloc(10))
    incoming.resume().destroy()
    await expect.poll(() => incoming.closed).toBe(true)
    expect(budget.heldBytes).toBe(7)
  })

  it('are limited over all connections: who comes last is turned away, the others are served', async () => {
    const budget = budgetOf(100)
    const [first, second, third] = [request(), request(), request()]
    const readings = [first, second].map((one) => readBody(one, budget))
    first.push(Buffer.alloc(60))
    second.push(Buffer.alloc(40))
    await expect.poll(() => budget.heldBytes).toBe(100)
    const turnedAway = readBody(third, budget)
    third.push(Buffer.alloc(1))
    expect(await turnedAway).toEqual({ kind: 'overloaded' })
    for (const one of [first, second]) one.push(null)
    expect(await Promise.all(readings)).toMatchObject([{ kind: 'read' }, { kind: 'read' }])
    expect(budget.heldBytes).toBe(0)
  })
})

describe('the door', () => {
  let database: TestDatabase
  let door: TestApp

  beforeAll(async () => {
    database = await testDatabase('body-limits')
    door = await openApp(database, { working: false })
  })
  afterAll(async () => {
    await door?.stop()
    await database?.drop()
  })

  it('answers 503 while the budget is used up, counts it, stores nothing, and opens again', async () => {
    const delivery = door.delivery('stripe', { merchantRef: 'trip-1' })
    expect([bodyBudget.limitBytes, bodyBudget.heldBytes]).toEqual([128 * 1024 * 1024, 0])
    bodyBudget.heldBytes = bodyBudget.limitBytes
    try {
      const answer = await door.post(delivery)
      expect(answer).toMatchObject({ status: 503, body: { code: 'overloaded' } })
      expect(answer.headers.get('retry-after')).toBe('5')
    } finally {
      bodyBudget.heldBytes = 0
    }
    const counted = 'onceline_webhook_deliveries_total{gateway="stripe",verdict="overloaded"}'
    expect(await door.metrics(counted)).toEqual([`${counted} 1`])
    expect(await countOf(database.pool, 'webhook_events')).toBe(0)
    expect(await door.post(delivery)).toMatchObject({ status: 200, body: { verdict: 'stored' } })
    expect(bodyBudget.heldBytes).toBe(0)
  })

  it('takes 25,000 connections at most', () => {
    expect(door.app.server.maxConnections).toBe(25_000)
  })
})
