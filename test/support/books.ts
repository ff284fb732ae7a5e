import { expect } from 'vitest'
import type { Pool } from '../../db/pools.ts'
import type { RowDataPacket } from '../../db/rows.ts'
import type { Id } from '../../src/base/ids.ts'
import type { NewEvent } from '../../src/webhooks/event.ts'

type Queryable = Pick<Pool, 'query'>

/** What became of an event: `processed/applied`, `quarantined/amount_mismatch`, `parked/payment_unknown`, `received`. */
export async function fateOf(pool: Queryable, event: NewEvent | Id): Promise<string> {
  const { state, outcome, reason } = await eventRow(pool, event)
  return [state, outcome, reason].filter((part) => part !== null).join('/')
}

/** The fates of several events, in their order. */
export function fatesOf(pool: Queryable, ...events: readonly NewEvent[]): Promise<string[]> {
  return Promise.all(events.map((event) => fateOf(pool, event)))
}

/** An event's row, with the seconds until it is due. */
export async function eventRow(pool: Queryable, event: NewEvent | Id): Promise<RowDataPacket> {
  const id = Buffer.isBuffer(event) ? event : event.id
  const [rows] = await pool.query<RowDataPacket[]>(
    `SELECT *, TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(3), next_at) / 1000000 AS due_in_seconds
     FROM webhook_events WHERE id = ?`,
    [id],
  )
  return rows[0] ?? expect.fail('the event is not stored')
}

/** A payment's row by our reference. */
export async function paymentRow(pool: Queryable, merchantRef: string): Promise<RowDataPacket> {
  const [rows] = await pool.query<RowDataPacket[]>('SELECT * FROM payments WHERE merchant_ref = ?', [
    merchantRef,
  ])
  return rows[0] ?? expect.fail(`no payment ${merchantRef}`)
}

/** A payment in words: `captured 10000 v1`. */
export async function standingOf(pool: Queryable, merchantRef: string): Promise<string> {
  const { state, captured_minor: captured, version } = await paymentRow(pool, merchantRef)
  return `${state} ${captured} v${version}`
}

/** The ledger of one payment, in order: `gateway_receivable 10000 EGP`. */
export async function ledgerOf(pool: Queryable, merchantRef: string): Promise<string[]> {
  const [rows] = await pool.query<RowDataPacket[]>(
    `SELECT ledger_account, ledger_entries.amount_minor, ledger_entries.currency FROM ledger_entries
     JOIN payment_transitions ON payment_transitions.id = transition_id
     JOIN payments ON payments.id = ledger_entries.payment_id
     WHERE merchant_ref = ? ORDER BY payment_transitions.version, leg`,
    [merchantRef],
  )
  return rows.map((row) => `${row.ledger_account} ${row.amount_minor} ${row.currency}`)
}

/** How many rows a table has. */
export async function countOf(pool: Queryable, table: string): Promise<number> {
  const [rows] = await pool.query<RowDataPacket[]>('SELECT COUNT(*) AS count FROM ??', [table])
  return Number(rows[0]?.count)
}

/** Each broken promise of the books has a query that finds whoever breaks it. */
const CONTRADICTIONS: Readonly<Record<string, string>> = {
  'a transition whose entries do not sum to zero': `SELECT transition_id FROM ledger_entries
    GROUP BY transition_id, currency HAVING SUM(amount_minor) <> 0`,
  'an entry of a transition that is not there': `SELECT transition_id FROM ledger_entries
    WHERE transition_id NOT IN (SELECT id FROM payment_transitions)`,
  'a payment whose version is not the number of its transitions': `SELECT id FROM payments
    WHERE version <> (SELECT COUNT(*) FROM payment_transitions WHERE payment_id = payments.id)`,
  'a payment whose state is not where its last transition led': `SELECT payments.id FROM payments
    JOIN payment_transitions ON payment_id = payments.id AND payment_transitions.version = payments.version
    WHERE payments.state <> to_state`,
  'a transition that does not begin where the one before it ended': `SELECT later.id FROM payment_transitions AS later
    JOIN payment_transitions AS before_it ON before_it.payment_id = later.payment_id
      AND before_it.version = later.version - 1
    WHERE later.from_state <> before_it.to_state`,
  'a payment whose captured amount the ledger does not know': `SELECT id FROM payments WHERE captured_minor <>
    (SELECT COALESCE(-SUM(amount_minor), 0) FROM ledger_entries
     WHERE payment_id = payments.id AND ledger_account = 'rider_payments')`,
  'a payment whose standing refunds the ledger does not know': `SELECT id FROM payments WHERE
    (SELECT COALESCE(SUM(amount_minor), 0) FROM payment_operations
     WHERE payment_id = payments.id AND kind = 'refund' AND state = 'succeeded') <>
    (SELECT COALESCE(SUM(amount_minor), 0) FROM ledger_entries
     WHERE payment_id = payments.id AND ledger_account = 'refunds')`,
  'an applied event without its transition': `SELECT id FROM webhook_events WHERE outcome = 'applied'
    AND id NOT IN (SELECT event_id FROM payment_transitions WHERE event_id IS NOT NULL)`,
  'a transition of an event that was not applied': `SELECT payment_transitions.id FROM payment_transitions
    JOIN webhook_events ON webhook_events.id = payment_transitions.event_id
    WHERE outcome IS NULL OR outcome <> 'applied'`,
  'a payout in a state to which no event led': `SELECT payout_ref FROM payouts
    LEFT JOIN webhook_events ON webhook_events.id = payouts.event_id WHERE outcome IS NULL OR outcome <> 'noted'`,
  'an event in the waiting room that is not parked': `SELECT webhook_events.id FROM webhook_parked
    JOIN webhook_events ON webhook_events.id = webhook_parked.event_id WHERE state <> 'parked'`,
}

/** Everything that is told twice is told alike: payments, transitions, operations, ledger and events. */
export async function expectBooksAgree(pool: Queryable): Promise<void> {
  const found: string[] = []
  for (const [promise, sql] of Object.entries(CONTRADICTIONS)) {
    const [rows] = await pool.query<RowDataPacket[]>(sql)
    if (rows.length > 0) found.push(`${rows.length} × ${promise}`)
  }
  expect(found).toEqual([])
}
