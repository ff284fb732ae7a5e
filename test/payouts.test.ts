import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RowDataPacket } from '../db/rows.ts'
import type { EventKind } from '../src/payments/fact.ts'
import type { NewEvent } from '../src/webhooks/event.ts'
import { discardEvents, releaseEvents, replayEvents } from '../src/webhooks/operate.ts'
import { readPayout } from '../src/webhooks/payouts.ts'
import { countOf, expectBooksAgree, fateOf, fatesOf, standingOf } from './support/books.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { keysOf } from './support/explain.ts'
import { eventOf, expected, type FactShape, GATEWAY, Processing, store } from './support/processing.ts'

const DEED = { actor: 'test', reason: 'seen in the bank' }
const ACCOUNT = { gateway: GATEWAY, account: 'default' }
let database: TestDatabase
let here: Processing
let payouts = 0

beforeAll(async () => {
  database = await testDatabase('payouts')
  here = new Processing(database)
})
afterAll(async () => {
  await expectBooksAgree(database.pool)
  await here?.close()
  await database?.drop()
})

/** Events of one payout that no other test has. */
function payout() {
  payouts += 1
  const operationRef = `po_${payouts}`
  const told = (kind: EventKind, change: FactShape = {}): NewEvent =>
    eventOf({ kind, operationRef, ...change })
  const known = async () => {
    const row = await readPayout(here.pool, ACCOUNT, operationRef)
    return row === null ? null : `${row.state} ${row.amountMinor} ${row.currency} ${row.merchantRef}`
  }
  return { told, known, operationRef }
}

describe('an event about a payout', () => {
  it('moves the payout that the gateway names, forward only', async () => {
    const { told, known, operationRef } = payout()
    const paid = told('payout_paid')
    await here.take(paid)
    expect(await fateOf(here.pool, paid)).toBe('processed/noted')
    const [late, again, failed] = [told('payout_created'), told('payout_paid'), told('payout_failed')]
    await here.take(late)
    await here.take(again)
    expect(await known()).toBe('paid 10000 EGP null')
    await here.take(failed)
    expect(await fatesOf(here.pool, late, again, failed)).toEqual([
      'processed/no_effect/late',
      'processed/no_effect/repeated',
      'processed/noted',
    ])
    expect(await known()).toBe('failed 10000 EGP null')
    const row = await readPayout(here.pool, ACCOUNT, operationRef)
    expect(row?.eventId).toEqual(failed.id)
  })

  it('learns what an earlier one did not say', async () => {
    const { told, known } = payout()
    await here.take(told('payout_created', { amountMinor: null }))
    expect(await known()).toBe('created null null null')
    await here.take(told('payout_created', { merchantRef: 'week-48' }))
    expect(await known()).toBe('created 10000 EGP week-48')
  })

  it('touches no payment, though one had its references', async () => {
    const payment = expected()
    await here.register(payment)
    const { told, known } = payout()
    const paid = told('payout_paid', { merchantRef: payment.merchantRef })
    await here.take(paid)
    expect(await standingOf(here.pool, payment.merchantRef)).toBe('created 0 v0')
    expect(await fateOf(here.pool, paid)).toBe('processed/noted')
    expect(await known()).toBe(`paid 10000 EGP ${payment.merchantRef}`)
  })

  it('and one about a payment may come in one batch', async () => {
    const payment = expected()
    await here.register(payment)
    const { told, known } = payout()
    await here.take(
      told('payout_paid'),
      eventOf({ merchantRef: payment.merchantRef }),
      told('payout_returned'),
    )
    expect(await standingOf(here.pool, payment.merchantRef)).toBe('captured 10000 v1')
    expect(await known()).toBe('returned 10000 EGP null')
  })

  it.each([
    [{ amountMinor: 9_999n }, 'quarantined/amount_mismatch'],
    [{ currency: 'USD' }, 'quarantined/currency_mismatch'],
  ])('is quarantined where it contradicts another: %o', async (change, fate) => {
    const { told, known } = payout()
    await here.take(told('payout_created'))
    const other = told('payout_paid', change)
    await here.take(other)
    expect(await fateOf(here.pool, other)).toBe(fate)
    expect(await known()).toBe('created 10000 EGP null')
    await discardEvents(here.pool, [other.id], DEED)
  })

  it('whose amount a person takes as true sets it right', async () => {
    const { told, known } = payout()
    await here.take(told('payout_created'))
    const other = told('payout_paid', { amountMinor: 9_999n })
    await here.take(other)
    await releaseEvents(here.pool, [other.id], DEED)
    await here.processor.process([other.id])
    expect(await known()).toBe('paid 9999 EGP null')
  })

  it('that a signature does not prove waits for its gateway, or for a person', async () => {
    const { told, known } = payout()
    const doubted = told('payout_paid', { confirmFirst: true })
    await here.take(doubted)
    expect(await fateOf(here.pool, doubted)).toBe('unconfirmed/confirmation_needed')
    expect(await known()).toBeNull()
    await releaseEvents(here.pool, [doubted.id], DEED)
    await here.processor.process([doubted.id])
    expect(await known()).toBe('paid 10000 EGP null')
  })

  it('says the same again when it is replayed', async () => {
    const { told, known } = payout()
    const paid = told('payout_paid')
    await here.take(paid)
    await replayEvents(here.pool, [paid.id], DEED)
    await here.processor.process([paid.id])
    expect(await fateOf(here.pool, paid)).toBe('processed/noted')
    expect(await known()).toBe('paid 10000 EGP null')
  })
})

it('of many at once and in any order, each payout ends where its furthest event led', async () => {
  const kinds = ['payout_created', 'payout_paid', 'payout_returned'] as const
  const many = Array.from({ length: 20 }, payout)
  const events = many.flatMap(({ told }) => kinds.map((kind) => told(kind)))
  await store(here.pool, ...events)
  const ids = events.map(({ id }) => id)
  const shares = Array.from({ length: 4 }, (_, share) =>
    ids.filter((_id, index) => (index * 7) % 4 === share),
  )
  await Promise.all(shares.map((share) => here.processor.process(share)))
  expect(await Promise.all(many.map(({ known }) => known()))).toEqual(
    many.map(() => 'returned 10000 EGP null'),
  )
  expect(await countOf(here.pool, 'payouts')).toBe(payouts)
  const [rows] = await here.pool.query<RowDataPacket[]>(
    "SELECT COUNT(*) AS open FROM webhook_events WHERE state = 'received'",
  )
  expect(Number(rows[0]?.open)).toBe(0)
})

it('finds a payout by the primary key', async () => {
  const [keys] = await keysOf(database, (connection) => readPayout(connection, ACCOUNT, 'po_1'))
  expect(keys).toEqual(['PRIMARY'])
})
