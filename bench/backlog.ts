import { createHash } from 'node:crypto'
import type { Pool } from '../db/pools.ts'
import { inTransaction } from '../db/transaction.ts'
import type { Id } from '../src/base/ids.ts'
import { merchantRefKey } from '../src/payments/refs.ts'
import { newPaymentRow, type PaymentRow, savePayments } from '../src/payments/store.ts'
import { type NewEvent, newEvent } from '../src/webhooks/event.ts'
import { insertEvents } from '../src/webhooks/event-insert.ts'
import { adapters } from '../src/webhooks/gateways/registry.ts'
import { buildDelivery } from '../src/webhooks/gateways/samples/samples.ts'
import { countRows } from './data.ts'
import { WrongResult } from './report.ts'

/** Every payment of a benchmark is of this amount, so that a sum tells how many were captured. */
const AMOUNT_MINOR = 15_000n
const CURRENCY = 'EGP'
const ACCOUNT = 'default'
const ROWS_A_STATEMENT = 500
/** Two keep the database's both cores busy; more would only queue. */
const WRITERS = 2

/** So that a batch's payments are mostly of different people, and two batches at once still meet at some of them. */
const PAYMENTS_A_RIDER = 4
const PAYMENTS_A_DRIVER = 20

type People = Pick<PaymentRow, 'customerId' | 'driverId'>

/** Registers the expected payments `<tag>-0` … `<tag>-<n-1>`, by default each of a rider and a driver who have others, too. */
export async function registerPayments(
  pool: Pool,
  gateway: string,
  tag: string,
  payments: number,
  peopleOf: (number: number) => People = (number) => ({
    customerId: userId('a', number % Math.ceil(payments / PAYMENTS_A_RIDER)),
    driverId: userId('b', number % Math.ceil(payments / PAYMENTS_A_DRIVER)),
  }),
): Promise<void> {
  const now = new Date()
  await inChunks(payments, async (numbers) => {
    const rows = numbers.map((number) => ({
      ...paymentRow(gateway, `${tag}-${number}`, peopleOf(number)),
      createdAt: now,
    }))
    await inTransaction(pool, 'register payments', (connection) => savePayments(connection, rows, now))
  })
}

function paymentRow(gateway: string, merchantRef: string, people: People): PaymentRow {
  return newPaymentRow({
    tripId: null,
    ...people,
    gateway,
    account: ACCOUNT,
    merchantRef,
    merchantRefKey: merchantRefKey(gateway, ACCOUNT, merchantRef),
    gatewayRef: null,
    gatewayRefKey: null,
    expectedMinor: AMOUNT_MINOR,
    currency: CURRENCY,
  })
}

/** As long as Laravel's, and in no order that the payments have. */
function userId(kind: string, number: number): string {
  const hex = createHash('sha256').update(`${kind}${number}`).digest('hex')
  return `${kind}${hex.slice(1, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

/** Stores the captures of those payments by the service's own verification and insert; returns their ids, ascending. */
export async function storeCaptures(
  pool: Pool,
  gateway: string,
  secret: string,
  tag: string,
  events: number,
): Promise<Id[]> {
  const ids: Id[] = []
  await inChunks(events, async (numbers) => {
    const rows = numbers.map((number) => captureEvent(gateway, secret, `${tag}-${number}`))
    rows.sort((a, b) => a.eventKey.compare(b.eventKey))
    await inTransaction(pool, 'store captures', (connection) => insertEvents(connection, rows))
    ids.push(...rows.map(({ id }) => id))
  })
  return ids.sort((a, b) => a.compare(b))
}

function captureEvent(gateway: string, secret: string, ref: string): NewEvent {
  const adapter = adapters.get(gateway)
  if (!adapter) throw new Error(`no adapter for ${gateway}`)
  const nowMs = Date.now()
  const { headers, query, body } = buildDelivery(gateway, {
    eventId: `evt_${ref}`,
    kind: 'captured',
    merchantRef: ref,
    gatewayRef: `pi_${ref}`,
    operationRef: `ch_${ref}`,
    amountMinor: AMOUNT_MINOR,
    currency: CURRENCY,
    nowMs,
    secret,
  })
  const delivery = { headers, query: new URLSearchParams(query), body }
  const account = { gateway, account: ACCOUNT, secrets: [secret], settings: {} }
  const received = adapter.receive(delivery, account, nowMs)
  if (received.kind !== 'accepted')
    throw new Error(`the sample was not accepted: ${JSON.stringify(received)}`)
  const [event] = received.events
  if (!event) throw new Error('the sample holds no event')
  const { signature } = received
  return newEvent(adapter, event, {
    gateway,
    account: ACCOUNT,
    requestId: `bench-${ref}`,
    signature,
    delivery,
  })
}

/** Does the work for 0 … n-1 in chunks, a few at once. */
async function inChunks(n: number, work: (numbers: number[]) => Promise<void>): Promise<void> {
  let next = 0
  const run = async () => {
    while (next < n) {
      const start = next
      next = Math.min(next + ROWS_A_STATEMENT, n)
      await work(Array.from({ length: next - start }, (_, offset) => start + offset))
    }
  }
  await Promise.all(Array.from({ length: WRITERS }, run))
}

/** Throws WrongResult unless exactly `captured` payments were captured, each once, with a ledger that says the same. */
export async function verifyCaptures(pool: Pool, captured: number): Promise<void> {
  const [sums] = await pool.query(
    `SELECT COALESCE(SUM(amount_minor), 0) AS sum, COALESCE(SUM(GREATEST(amount_minor, 0)), 0) AS debits
     FROM ledger_entries`,
  )
  const [sum] = sums as unknown as { sum: string; debits: string }[]
  const expected = String(BigInt(captured) * AMOUNT_MINOR)
  const facts: readonly (readonly [string, number | string, number | string])[] = [
    [
      'payments captured once',
      await countRows(
        pool,
        `payments WHERE state = 'captured' AND captured_minor = expected_minor AND version = 1`,
      ),
      captured,
    ],
    ['transitions', await countRows(pool, 'payment_transitions'), captured],
    ['ledger entries', await countRows(pool, 'ledger_entries'), 2 * captured],
    [
      'events applied',
      await countRows(pool, `webhook_events WHERE state = 'processed' AND outcome = 'applied'`),
      captured,
    ],
    // Two messages each to the rider and the driver.
    ['messages in feeds', await countRows(pool, 'feed_messages'), 4 * captured],
    ['the ledger’s sum', String(sum?.sum), '0'],
    ['the ledger’s debits', String(sum?.debits), expected],
  ]
  for (const [name, found, wanted] of facts) {
    if (found !== wanted) throw new WrongResult(`${name}: ${found} instead of ${wanted}`)
  }
}
