import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Id } from '../src/base/ids.ts'
import type { NewEvent } from '../src/webhooks/event.ts'
import {
  eventRow,
  expectBooksAgree,
  fateOf,
  fatesOf,
  ledgerOf,
  paymentRow,
  standingOf,
} from './support/books.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { eventOf, expected, Processing, store } from './support/processing.ts'

let database: TestDatabase
let here: Processing

beforeAll(async () => {
  database = await testDatabase('processors')
  here = new Processing(database)
})
afterAll(async () => {
  await expectBooksAgree(database.pool)
  await here?.close()
  await database?.drop()
})

async function captures(count: number): Promise<NewEvent[]> {
  const shapes = Array.from({ length: count }, () => expected())
  for (const shape of shapes) await here.register(shape)
  const events = shapes.map(({ merchantRef }) => eventOf({ merchantRef }))
  await store(here.pool, ...events)
  return events
}

function idsOf(events: readonly NewEvent[]): Id[] {
  return events.map(({ id }) => id)
}

describe('several processors', () => {
  it('given the same ids at once take each event once', async () => {
    const events = await captures(50)
    const processors = Array.from({ length: 8 }, () => new Processing(database))
    await Promise.all(processors.map(({ processor }) => processor.process(idsOf(events))))
    expect(new Set(await fatesOf(database.pool, ...events))).toEqual(new Set(['processed/applied']))
    for (const { fact } of events)
      expect(await standingOf(database.pool, fact?.merchantRef ?? '')).toBe('captured 10000 v1')
    await Promise.all(processors.map((each) => each.close()))
  })

  it('over the same ten payments, in batches of any order, come to the right sums', async () => {
    const shapes = Array.from({ length: 10 }, () => expected())
    for (const shape of shapes) await here.register(shape)
    // Of each payment: its capture, and 60 refunds of 100 piastres, each told twice.
    const events = shapes.flatMap(({ merchantRef }) => [
      eventOf({ merchantRef }),
      ...Array.from({ length: 60 }, (_, index) => `refund-${index}`).flatMap((operationRef) => {
        const refund = { merchantRef, kind: 'refunded', operationRef, amountMinor: 100n } as const
        return [eventOf(refund), eventOf(refund)]
      }),
    ])
    for (let start = 0; start < events.length; start += 100)
      await store(here.pool, ...events.slice(start, start + 100))
    const shuffled = fc.sample(fc.shuffledSubarray(idsOf(events), { minLength: events.length }), 1)[0] ?? []
    const batches = Array.from({ length: Math.ceil(shuffled.length / 15) }, (_, index) =>
      shuffled.slice(index * 15, index * 15 + 15),
    )[Symbol.iterator]()
    const storm = new Processing(database, {}, 16)
    await Promise.all(
      Array.from({ length: 16 }, async () => {
        for (const batch of batches) await storm.processor.process(batch)
      }),
    )
    // Deadlocks that outlived their retries count as attempts, and come again as the sweeper would ring them.
    for (let turn = 0; turn < 5; turn += 1) await storm.processor.process(idsOf(events))
    await storm.drain()
    for (const { merchantRef } of shapes) {
      expect(await standingOf(database.pool, merchantRef)).toBe('partially_refunded 10000 v61')
      const ledger = await ledgerOf(database.pool, merchantRef)
      expect(ledger.filter((line) => line === 'refunds 100 EGP')).toHaveLength(60)
      expect(ledger).toHaveLength(2 + 2 * 60)
    }
    await storm.close()
  })
})

describe('a poison event', () => {
  async function poisoned(sql: string): Promise<{ events: NewEvent[]; poison: NewEvent }> {
    const events = await captures(50)
    const poison = events[24] ?? expect.fail()
    await database.pool.query(`UPDATE webhook_events SET ${sql} WHERE id = ?`, [poison.id])
    return { events, poison }
  }

  it.each([["fact_kind = 'nonsense'"], ["fact_kind = 'refunded', operation_ref = NULL"]])(
    'fails alone (%s), and is due again later',
    async (sql) => {
      const { events, poison } = await poisoned(sql)
      if (sql.includes('refunded')) {
        const { merchantRef } = poison.fact ?? expect.fail()
        await here.take(eventOf({ merchantRef }))
      }
      await here.processor.process(idsOf(events))
      const others = events.filter((event) => event !== poison)
      expect(new Set(await fatesOf(database.pool, ...others))).toEqual(new Set(['processed/applied']))
      const row = await eventRow(database.pool, poison)
      expect(row).toMatchObject({ state: 'received', attempts: 1, last_error: expect.stringMatching(/./) })
      expect(Number(row.due_in_seconds)).toBeGreaterThan(1)
      expect(Number(row.due_in_seconds)).toBeLessThanOrEqual(4)
    },
  )

  it('waits longer after every attempt, and is dead after the last', async () => {
    const failures: string[] = []
    const patient = new Processing(database, { maxAttempts: 4, onFailure: (kind) => failures.push(kind) })
    const { poison } = await poisoned("fact_kind = 'nonsense'")
    for (const limitSeconds of [4, 8, 16]) {
      await patient.processor.process([poison.id])
      const row = await eventRow(database.pool, poison)
      expect(Number(row.due_in_seconds)).toBeGreaterThan(1)
      expect(Number(row.due_in_seconds)).toBeLessThanOrEqual(limitSeconds)
    }
    await patient.processor.process([poison.id])
    expect(await fateOf(database.pool, poison)).toBe('dead/attempts_exhausted')
    expect(await eventRow(database.pool, poison)).toMatchObject({
      attempts: 4,
      next_at: null,
      finished_at: expect.any(Date),
    })
    expect(failures).toEqual(['retry', 'retry', 'retry', 'dead'])
    expect(patient.lines.map(({ level, msg }) => `${level}: ${msg}`)).toEqual([
      ...Array(3).fill('warn: event failed and will be retried'),
      'error: event is dead: attempts exhausted',
    ])
    await patient.processor.process([poison.id])
    expect((await eventRow(database.pool, poison)).attempts, 'the dead are left alone').toBe(4)
    await patient.close()
  })

  it('does not undo what its payment had before', async () => {
    const { poison } = await poisoned("fact_kind = 'nonsense'")
    const { merchantRef } = poison.fact ?? expect.fail()
    const capture = eventOf({ merchantRef: merchantRef ?? '' })
    await store(here.pool, capture)
    await here.processor.process([poison.id, capture.id])
    expect((await paymentRow(database.pool, merchantRef ?? '')).state).toBe('captured')
    expect(await fateOf(database.pool, poison)).toBe('received')
  })
})

describe('events over which a process died before', () => {
  it('are counted before they are tried, and processed all the same', async () => {
    const events = await captures(3)
    await here.processor.process(idsOf(events), true)
    expect(new Set(await fatesOf(database.pool, ...events))).toEqual(new Set(['processed/applied']))
    for (const event of events) expect((await eventRow(database.pool, event)).attempts).toBe(1)
  })

  it('end as dead, untried, when the attempts are over', async () => {
    const [event] = await captures(1)
    if (!event) return expect.fail()
    await database.pool.query('UPDATE webhook_events SET attempts = 11 WHERE id = ?', [event.id])
    await here.processor.process([event.id], true)
    expect(await fateOf(database.pool, event)).toBe('dead/attempts_exhausted')
    expect((await paymentRow(database.pool, event.fact?.merchantRef ?? '')).state).toBe('created')
  })
})

describe('a database that is away', () => {
  it('is no attempt: it throws, and nothing is counted', async () => {
    const [event] = await captures(1)
    const gone = new Processing(database)
    await gone.close()
    await expect(gone.processor.process([event?.id ?? expect.fail()])).rejects.toThrow('Pool is closed')
    expect(await eventRow(database.pool, event?.id ?? expect.fail())).toMatchObject({
      state: 'received',
      attempts: 0,
    })
  })
})
