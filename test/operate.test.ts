import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Pool } from '../db/pools.ts'
import type { RowDataPacket } from '../db/rows.ts'
import { type Id, idToText, newId } from '../src/base/ids.ts'
import { registerPayment } from '../src/payments/register.ts'
import { readAudit } from '../src/webhooks/audit.ts'
import { asConflict } from '../src/webhooks/event.ts'
import { listConflicts, readEvent } from '../src/webhooks/event-list.ts'
import {
  discardEvents,
  findReplayable,
  previewReplay,
  releaseEvents,
  replayEvents,
} from '../src/webhooks/operate.ts'
import { wakeParked } from '../src/webhooks/park.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { eventOf, look, processorOf, put, store } from './support/deliveries.ts'

const DEED = { actor: 'mona', reason: 'asked the gateway' }
const LOCK_WAIT = { timeout: 4_000, interval: 10 }
let database: TestDatabase
let pool: Pool

beforeAll(async () => {
  database = await testDatabase('operate')
  pool = database.pool
})

afterAll(() => database.drop())

beforeEach(async () => {
  for (const table of ['webhook_events', 'webhook_parked', 'audit_log', 'gateway_pauses'])
    await pool.query('DELETE FROM ??', [table])
})

describe('replay by id', () => {
  it('puts a dead event back to work, and the audit says who and what it was', async () => {
    const operationRef = `TX-${randomUUID()}`
    await register('kashier', operationRef)
    const id = await stored('kashier', operationRef, {
      state: 'dead',
      reason: 'attempts_exhausted',
      attempts: 12,
    })
    expect(await replayEvents(pool, [id, id], DEED)).toEqual({ done: [id], refused: [] })
    expect(await look(pool, id)).toMatchObject({
      state: 'received',
      reason: null,
      attempts: 0,
      approved: 0,
      isDue: true,
    })
    const details = { state: 'dead', outcome: null, reason: 'attempts_exhausted' }
    expect(await readAudit(pool, idToText(id))).toMatchObject([{ ...DEED, action: 'event.replay', details }])
    await processorOf(pool).process([id])
    expect(await look(pool, id)).toMatchObject({ state: 'processed', outcome: 'applied' })
  })

  it('does what it can, and names the others', async () => {
    const dead = await stored('kashier', 'TX-1', { state: 'dead' })
    const applied = await stored('kashier', 'TX-2', { state: 'processed', outcome: 'applied' })
    const working = await stored('kashier', 'TX-3', {})
    const missing = newId()
    const before = await look(pool, applied)
    const preview = await previewReplay(pool, [dead, applied, working, missing])
    expect(await look(pool, dead)).toMatchObject({ state: 'dead' })
    const report = await replayEvents(pool, [dead, applied, working, missing], DEED)
    expect(report).toEqual({
      done: [dead],
      refused: [
        { id: applied, refusal: 'applied', state: 'processed' },
        { id: working, refusal: 'at_work', state: 'received' },
        { id: missing, refusal: 'not_found', state: null },
      ],
    })
    expect(preview).toEqual(report)
    expect(await look(pool, applied)).toEqual(before)
    expect(await audits()).toBe(1)
  })

  it('brings an event that needs a word back to where it was', async () => {
    const id = await stored('paymob', 'TX-4')
    expect(await look(pool, id)).toMatchObject({ state: 'unconfirmed' })
    await replayEvents(pool, [id], DEED)
    await processorOf(pool).process([id])
    expect(await look(pool, id)).toMatchObject({ state: 'unconfirmed', approved: 0 })
  })

  it('waits for a worker in the middle of an event, and then sees what it did', async () => {
    const id = await stored('kashier', 'TX-5', { state: 'dead' })
    const worker = await pool.getConnection()
    await worker.query('START TRANSACTION')
    await worker.query("UPDATE webhook_events SET state = 'processed', outcome = 'applied' WHERE id = ?", [
      id,
    ])
    const replayed = replayEvents(pool, [id], DEED)
    await lockWait()
    await worker.query('COMMIT')
    worker.release()
    expect(await replayed).toMatchObject({ done: [], refused: [{ refusal: 'applied' }] })
    expect(await audits()).toBe(0)
  })
})

describe('release', () => {
  it('lets an unconfirmed event take effect, once', async () => {
    const operationRef = `TX-${randomUUID()}`
    const payment = await register('paymob', operationRef)
    const id = await stored('paymob', operationRef)
    expect(await releaseEvents(pool, [id], DEED)).toEqual({ done: [id], refused: [] })
    expect(await look(pool, id)).toMatchObject({ state: 'received', approved: 1, isDue: true })
    // Another process than the one that took the event.
    const processor = processorOf(pool)
    await Promise.all([processor.process([id]), processorOf(pool).process([id])])
    expect(await look(pool, id)).toMatchObject({ state: 'processed', outcome: 'applied' })
    expect(await sum('captured_minor', 'payments', payment)).toBe(15_000n)
    expect(await releaseEvents(pool, [id], DEED)).toMatchObject({
      done: [],
      refused: [{ refusal: 'applied' }],
    })
    expect(await sum('captured_minor', 'payments', payment)).toBe(15_000n)
    expect(await readAudit(pool, idToText(id))).toMatchObject([{ action: 'event.release', ...DEED }])
  })

  it('is the only way through for an event that contradicts an earlier one', async () => {
    const operationRef = `TX-${randomUUID()}`
    const payment = await register('kashier', operationRef)
    const first = eventOf('kashier', { operationRef, amountMinor: 1_500n })
    const second = asConflict(eventOf('kashier', { operationRef }), first.id)
    await store(pool, [first, second])
    await discardEvents(pool, [first.id], DEED)
    expect(await replayEvents(pool, [second.id], DEED)).toMatchObject({ refused: [{ refusal: 'conflict' }] })
    expect(await findReplayable(pool, { state: 'quarantined' }, 10)).toEqual([])
    await releaseEvents(pool, [second.id], DEED)
    await processorOf(pool).process([second.id])
    expect(await sum('captured_minor', 'payments', payment)).toBe(15_000n)
    const detail = await readEvent(pool, first.id)
    expect(detail && (await listConflicts(pool, detail)).map(({ id }) => id)).toEqual([second.id])
    const other = await readEvent(pool, second.id)
    expect(other && (await listConflicts(pool, other)).map(({ id }) => id)).toEqual([first.id])
  })

  it('of a parked event makes it look once more, and wait again', async () => {
    const operationRef = `TX-${randomUUID()}`
    const id = await stored('kashier', operationRef)
    await processorOf(pool).process([id])
    expect(await look(pool, id)).toMatchObject({ state: 'parked' })
    await releaseEvents(pool, [id], DEED)
    expect(await waiting(id)).toBe(0)
    await processorOf(pool).process([id])
    expect(await look(pool, id)).toMatchObject({ state: 'parked', approved: 1 })
    const payment = await register('kashier', operationRef)
    await processorOf(pool).process([id])
    expect(await sum('captured_minor', 'payments', payment)).toBe(15_000n)
  })
})

describe('discard', () => {
  it('ends a waiting event for good: its payment finds nothing to wake', async () => {
    const operationRef = `TX-${randomUUID()}`
    const id = await stored('kashier', operationRef)
    await processorOf(pool).process([id])
    expect(await waiting(id)).toBeGreaterThan(0)
    expect(await discardEvents(pool, [id], DEED)).toEqual({ done: [id], refused: [] })
    expect(await look(pool, id)).toMatchObject({
      state: 'discarded',
      reason: 'discarded_by_operator',
      isFinished: true,
    })
    expect(await waiting(id)).toBe(0)
    const payment = await register('kashier', operationRef)
    await processorOf(pool).process([id])
    expect(await sum('captured_minor', 'payments', payment)).toBe(0n)
    expect(await look(pool, id)).toMatchObject({ state: 'discarded' })
    expect(await readAudit(pool, idToText(id))).toMatchObject([
      { action: 'event.discard', ...DEED, details: { state: 'parked', reason: 'payment_unknown' } },
    ])
    expect(await replayEvents(pool, [id], DEED)).toMatchObject({ refused: [{ refusal: 'discarded' }] })
  })
})

async function stored(gateway: 'kashier' | 'paymob', operationRef: string, columns?: object): Promise<Id> {
  const [id] = await store(pool, [eventOf(gateway, { operationRef })])
  if (!id) throw new Error('nothing was stored')
  if (columns && Object.keys(columns).length > 0) await put(pool, [id], { ...columns })
  return id
}

async function register(gateway: string, operationRef: string): Promise<Id> {
  const merchantRef = `TRIP-${operationRef}`
  const expected = {
    gateway,
    account: 'default',
    merchantRef,
    gatewayRef: gateway === 'paymob' ? merchantRef : null,
    amountMinor: 15_000n,
    currency: 'EGP',
    tripId: null,
    customerId: null,
    driverId: null,
  }
  const registration = await registerPayment(pool, expected, async (keys) => {
    await wakeParked(pool, keys)
  })
  if (registration.kind !== 'created') throw new Error(`it was ${registration.kind}`)
  return registration.payment.id
}

async function sum(column: string, table: string, id: Id): Promise<bigint> {
  const [rows] = await pool.query<RowDataPacket[]>('SELECT SUM(??) AS total FROM ?? WHERE id = ?', [
    column,
    table,
    id,
  ])
  return BigInt(rows[0]?.total)
}

async function audits(): Promise<number> {
  const [rows] = await pool.query<RowDataPacket[]>(
    'SELECT COUNT(*) AS n, COUNT(DISTINCT subject) AS d FROM audit_log',
  )
  expect(rows[0]?.n).toBe(rows[0]?.d)
  return Number(rows[0]?.n)
}

async function waiting(id: Id): Promise<number> {
  const [rows] = await pool.query<RowDataPacket[]>(
    'SELECT COUNT(*) AS n FROM webhook_parked WHERE event_id = ?',
    [id],
  )
  return Number(rows[0]?.n)
}

/** Resolves when a locking read of this database waits; the servers tell nobody, so they are asked. */
async function lockWait(): Promise<void> {
  await vi.waitUntil(async () => {
    const [waits] = await pool.query<RowDataPacket[]>(
      "SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_current_waits'",
    )
    const [running] = await pool.query<RowDataPacket[]>('SHOW FULL PROCESSLIST')
    const isLocking = running.some(
      ({ db, Info }) => db === database.address.database && Info?.includes('FOR UPDATE'),
    )
    return isLocking && Number(waits[0]?.Value) > 0
  }, LOCK_WAIT)
}
