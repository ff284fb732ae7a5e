import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Id } from '../src/base/ids.ts'
import { pauseGateway, resumeGateway } from '../src/webhooks/gateway-pause.ts'
import { PauseBoard } from '../src/webhooks/pauses.ts'
import { Sweeper, type SweeperOptions } from '../src/webhooks/sweep.ts'
import { eventRow, fateOf, fatesOf, standingOf } from './support/books.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { eventOf, expected, GATEWAY, Processing, store } from './support/processing.ts'

let database: TestDatabase
let here: Processing
let rung: Id[] = []

beforeAll(async () => {
  database = await testDatabase('sweeper')
  here = new Processing(database)
})
afterAll(async () => {
  await here?.close()
  await database?.drop()
})
beforeEach(async () => {
  rung = []
  await database.pool.query('DELETE FROM webhook_events')
  await database.pool.query('DELETE FROM webhook_parked')
})

function sweeperWith(options: Partial<SweeperOptions> = {}): Sweeper {
  return new Sweeper({
    pool: here.pool,
    log: here.log,
    ring: async (ids) => rung.push(...ids) > 0,
    depth: async () => 0,
    process: (ids) => here.processor.process(ids),
    ...options,
  })
}

/** Stored captures of registered payments. */
async function captures(count: number, account = 'default') {
  const shapes = Array.from({ length: count }, () => expected({ account }))
  for (const shape of shapes) await here.register(shape)
  const events = shapes.map(({ merchantRef }) => eventOf({ merchantRef, account }))
  await store(here.pool, ...events)
  return events
}

async function makeDue(...ids: readonly Id[]): Promise<void> {
  await database.pool.query('UPDATE webhook_events SET next_at = UTC_TIMESTAMP(3) WHERE id IN (?)', [ids])
}

function sorted(ids: readonly Id[]): string[] {
  return ids.map((id) => id.toString('hex')).sort()
}

describe('the sweeper', () => {
  it('rings for what is due, and leaves what is not', async () => {
    const [due, later] = await captures(2)
    if (!due || !later) return expect.fail()
    expect(await sweeperWith().runOnce(), 'a fresh event has some seconds for its own ring').toBe(0)
    await makeDue(due.id)
    expect(await sweeperWith().runOnce()).toBe(1)
    expect(rung).toEqual([due.id])
    expect(await fatesOf(database.pool, due, later)).toEqual(['received', 'received'])
  })

  it('leaves an event alone for a while that it rang for', async () => {
    const [event] = await captures(1)
    if (!event) return expect.fail()
    await makeDue(event.id)
    const sweeper = sweeperWith({ pace: { intervalMs: 1, nextLookSeconds: 7 } })
    expect(await sweeper.runOnce()).toBe(1)
    expect(await sweeper.runOnce()).toBe(0)
    expect(Number((await eventRow(database.pool, event)).due_in_seconds)).toBeCloseTo(7, 0)
  })

  it('leaves finished events alone, whatever their next look says', async () => {
    const [event] = await captures(1)
    if (!event) return expect.fail()
    await here.processor.process([event.id])
    await makeDue(event.id)
    expect(await sweeperWith().runOnce()).toBe(0)
  })

  it('does not lengthen a queue that is busy', async () => {
    const [event] = await captures(1)
    if (!event) return expect.fail()
    await makeDue(event.id)
    expect(await sweeperWith({ depth: async () => 200 }).runOnce()).toBe(0)
    expect(rung).toEqual([])
    expect(await sweeperWith({ depth: async () => 199 }).runOnce()).toBe(1)
  })

  it('does itself what a busy queue left undone for half a minute, and nothing younger', async () => {
    const [overdue, young] = await captures(2)
    if (!overdue || !young) return expect.fail()
    for (const [event, seconds] of [
      [overdue, 31],
      [young, 25],
    ] as const)
      await database.pool.query(
        'UPDATE webhook_events SET next_at = UTC_TIMESTAMP(3) - INTERVAL ? SECOND WHERE id = ?',
        [seconds, event.id],
      )
    expect(await sweeperWith({ depth: async () => 1_000 }).runOnce()).toBe(1)
    expect(await fatesOf(database.pool, overdue, young)).toEqual(['processed/applied', 'received'])
    expect(rung).toEqual([])
  })

  it.each([
    ['does not say how long its queue is', { depth: async () => null }],
    ['does not hear the ring', { ring: async () => false }],
  ])('does the work itself when Redis %s', async (_, options) => {
    const events = await captures(120)
    await makeDue(...events.map(({ id }) => id))
    expect(await sweeperWith(options).runOnce()).toBe(120)
    expect(rung).toEqual([])
    expect(new Set(await fatesOf(database.pool, ...events))).toEqual(new Set(['processed/applied']))
  })

  it('shares the work with the others: no event is rung twice', async () => {
    const events = await captures(100)
    await makeDue(...events.map(({ id }) => id))
    const counts = await Promise.all(Array.from({ length: 4 }, () => sweeperWith().ringDueEvents()))
    expect(counts.reduce((sum, count) => sum + count)).toBe(100)
    expect(sorted(rung)).toEqual(sorted(events.map(({ id }) => id)))
  })

  it('turns by itself, through failures, until it is stopped', async () => {
    const [event] = await captures(1)
    if (!event) return expect.fail()
    await makeDue(event.id)
    const heard = Promise.withResolvers<void>()
    let turns = 0
    const sweeper = sweeperWith({
      pace: { intervalMs: 1, nextLookSeconds: 30 },
      depth: async () => {
        turns += 1
        if (turns === 1) throw new Error('a bad moment')
        return 0
      },
      ring: async () => {
        heard.resolve()
        return true
      },
    })
    sweeper.start()
    await heard.promise
    await sweeper.stop(5_000)
    const turnsAtStop = turns
    expect(here.lines.at(-1)).toMatchObject({ level: 'warn', msg: expect.stringContaining('sweep failed') })
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(turns).toBe(turnsAtStop)
  })
})

describe('a paused account', () => {
  const deed = { actor: 'ops', reason: 'their signing is broken' }
  const cairo = { gateway: GATEWAY, account: 'cairo' }

  it('keeps its events waiting, and no others, until it is resumed', async () => {
    const [paused] = await captures(1, 'cairo')
    const [other] = await captures(1)
    if (!paused || !other) return expect.fail()
    await pauseGateway(here.pool, cairo, deed)
    const worker = new Processing(database)
    await worker.processor.process([paused.id, other.id])
    expect(await fatesOf(database.pool, paused, other)).toEqual([
      'paused/gateway_paused',
      'processed/applied',
    ])
    await sweeperWith().runOnce()
    expect(await fateOf(database.pool, paused), 'the sweeper leaves it').toBe('paused/gateway_paused')

    expect(await resumeGateway(here.pool, cairo, deed)).toBe(true)
    expect(await sweeperWith().runOnce()).toBe(1)
    expect(rung).toEqual([paused.id])
    await here.processor.process(rung)
    expect(await standingOf(database.pool, paused.fact?.merchantRef ?? '')).toBe('captured 10000 v1')
    await worker.close()
  })

  it('goes on also where a worker that had not heard of the resumption set an event aside', async () => {
    const [event] = await captures(1, 'cairo')
    if (!event) return expect.fail()
    await pauseGateway(here.pool, cairo, deed)
    const pauses = new PauseBoard(here.pool)
    await pauses.refresh()
    const stale = new Processing(database, { pauses })
    await resumeGateway(here.pool, cairo, deed)
    const sweeper = sweeperWith()
    await sweeper.joinWhatWasMissed()
    await stale.processor.process([event.id])
    expect(await fateOf(database.pool, event)).toBe('paused/gateway_paused')
    await sweeper.joinWhatWasMissed()
    expect(await fateOf(database.pool, event)).toBe('received')
    await stale.close()
  })

  it('goes on whole, however much waited', async () => {
    const events = Array.from({ length: 1_050 }, () => eventOf({ account: 'cairo', merchantRef: 'm-none' }))
    for (let start = 0; start < events.length; start += 128)
      await store(here.pool, ...events.slice(start, start + 128))
    await database.pool.query("UPDATE webhook_events SET state = 'paused', next_at = NULL")
    await sweeperWith().joinWhatWasMissed()
    expect(new Set(await fatesOf(database.pool, ...events))).toEqual(new Set(['received']))
  })
})
