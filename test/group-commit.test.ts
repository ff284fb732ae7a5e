import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Database, openDatabase } from '../db/pools.ts'
import { type BatchOutcome, commitBatch } from '../src/webhooks/commit-batch.ts'
import type { NewEvent } from '../src/webhooks/event.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { capture } from './support/events.ts'
import { propertyRuns } from './support/property-runs.ts'
import { expectToldAndStoredAgree, storedEvents } from './support/stored-events.ts'
import { told } from './support/told.ts'

let database: TestDatabase
let pools: Database

beforeAll(async () => {
  database = await testDatabase('group-commit')
  pools = openDatabase(database.address, 1)
})
afterAll(async () => {
  await pools?.close()
  await database?.drop()
})
beforeEach(async () => {
  await database.pool.query('TRUNCATE webhook_events')
})

describe('a batch', () => {
  it('is stored whole, with its columns as they were given', async () => {
    const events = [capture(), capture(), capture()]
    expect(await commit(events)).toEqual(events.map(({ id }) => ({ kind: 'stored', id })))
    const [rows] = await database.pool.query('SELECT * FROM webhook_events WHERE id = ?', [events[1]?.id])
    expect(rows).toMatchObject([
      {
        gateway: 'testpay',
        account: 'default',
        event_id: events[1]?.eventId,
        type: 'payment.captured',
        fact_kind: 'captured',
        merchant_ref: `order-${events[1]?.eventId}`,
        gateway_ref: null,
        operation_ref: events[1]?.eventId,
        amount_minor: '10000',
        currency: 'EGP',
        occurred_at: new Date('2026-11-23T12:00:00.123Z'),
        may_settle: 1,
        state: 'received',
        outcome: null,
        attempts: 0,
        request_id: 'req-1',
        signature: Buffer.from('sig'),
        body: events[1]?.body,
        finished_at: null,
      },
    ])
  })

  it('answers in the order of its events, whatever the order of their keys', async () => {
    const known = Array.from({ length: 20 }, () => capture())
    await commit(known)
    const again = known.map(({ eventId }) => capture({ eventId }))
    const fresh = Array.from({ length: 20 }, () => capture())
    const mixed = known
      .flatMap((_, index) => [again[index], fresh[index]])
      .filter((event) => event !== undefined)
    expect(await commit(mixed)).toEqual(
      known.flatMap(({ id }, index) => [
        { kind: 'duplicate', id },
        { kind: 'stored', id: fresh[index]?.id },
      ]),
    )
  })

  it('keeps the bytes of a conflict once, in quarantine, beside the first', async () => {
    const first = capture({ eventId: 'evt_1', amountMinor: 100n })
    const other = capture({ eventId: 'evt_1', amountMinor: 999n })
    const otherAgain = capture({ eventId: 'evt_1', amountMinor: 999n })
    const conflict = { kind: 'conflict', id: first.id, conflictId: other.id }
    expect(await commit([first, other, otherAgain])).toEqual([
      { kind: 'stored', id: first.id },
      conflict,
      conflict,
    ])
    const later = capture({ eventId: 'evt_1', amountMinor: 999n })
    expect(await commit([later])).toEqual([conflict])
    const rows = await storedEvents(database.pool)
    expect(rows).toHaveLength(2)
    expectToldAndStoredAgree([told(other, (await commit([later]))[0] as BatchOutcome)], rows, true)
  })

  it('takes case and trailing blanks of an event id for what they are: other events', async () => {
    const ids = ['evt_A', 'EVT_a', 'evt_A  ', 'evt_Á', 'evt_A\u0301']
    const outcomes = await commit(ids.map((eventId) => capture({ eventId })))
    expect(kinds(outcomes)).toEqual(ids.map(() => 'stored'))
    expect((await storedEvents(database.pool)).map(({ eventId }) => eventId).sort()).toEqual(ids.sort())
  })

  it.each([[1], [2], [7], [128]])('of %i rows loses only the rows that the server refuses', async (size) => {
    const bad = capture({ requestId: 'r'.repeat(65) })
    const worse = capture({ eventId: 'e'.repeat(256) })
    const good = Array.from({ length: size - 1 }, () => capture())
    const events = [...good.slice(0, size >> 1), bad, ...good.slice(size >> 1), worse]
    const outcomes = await commit(events)
    expect(kinds(outcomes)).toEqual(
      events.map((event) => (event === bad || event === worse ? 'RowRefused' : 'stored')),
    )
    expect(await storedEvents(database.pool)).toHaveLength(good.length)
  })

  it('agrees with a list in memory, batch after batch', async () => {
    const delivery = fc.record({ key: fc.nat(5), amount: fc.integer({ min: 1, max: 3 }) })
    const batches = fc.array(fc.array(delivery, { minLength: 1, maxLength: 30 }), {
      minLength: 1,
      maxLength: 4,
    })
    await fc.assert(
      fc.asyncProperty(fc.uuid(), batches, async (run, drawn) => {
        const model = new Map<string, NewEvent>()
        const conflicts = new Map<string, NewEvent>()
        for (const batch of drawn) {
          const events = batch.map(({ key, amount }) =>
            capture({ eventId: `${run}-${key}`, amountMinor: BigInt(amount) }),
          )
          const expected = events.map((event) => expectedVerdict(event, model, conflicts))
          expect(await commit(events)).toEqual(expected)
        }
      }),
      propertyRuns(60),
    )
  })
})

function commit(events: readonly NewEvent[]): Promise<BatchOutcome[]> {
  return commitBatch(pools.ingest, events, performance.now() + 5_000)
}

function kinds(outcomes: readonly BatchOutcome[]): string[] {
  return outcomes.map((outcome) => (outcome instanceof Error ? outcome.constructor.name : outcome.kind))
}

/** What a batch must say of the event, had it been delivered alone after those before it. */
function expectedVerdict(
  event: NewEvent,
  model: Map<string, NewEvent>,
  conflicts: Map<string, NewEvent>,
): BatchOutcome {
  const first = model.get(event.eventId)
  if (!first) {
    model.set(event.eventId, event)
    return { kind: 'stored', id: event.id }
  }
  if (first.digest.equals(event.digest)) return { kind: 'duplicate', id: first.id }
  const conflictKey = `${event.eventId} ${event.digest.toString('hex')}`
  const kept = conflicts.get(conflictKey) ?? event
  conflicts.set(conflictKey, kept)
  return { kind: 'conflict', id: first.id, conflictId: kept.id }
}
