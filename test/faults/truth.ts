import { setTimeout as pause } from 'node:timers/promises'
import type { Pool } from '../../db/pools.ts'
import type { RowDataPacket } from '../../db/rows.ts'
import { idToText } from '../../src/base/ids.ts'
import { feedDifferences } from '../support/payment-feed.ts'
import type { Story, Telling } from './story.ts'

const LOOK_INTERVAL_MS = 100

/**
 * Waits until every stored event is processed and nothing is parked. Throws what is left when it takes longer: by then
 * something was lost, since nobody else will help.
 */
export async function settle(pool: Pool, timeoutMs: number): Promise<void> {
  const endMs = performance.now() + timeoutMs
  for (;;) {
    const [rows] = await pool.query<RowDataPacket[]>(
      `SELECT state, reason, last_error, COUNT(*) AS events, MIN(event_id) AS one, MAX(attempts) AS attempts
       FROM webhook_events WHERE state <> 'processed' GROUP BY state, reason, last_error LIMIT 20`,
    )
    if (rows.length === 0) return
    if (performance.now() > endMs)
      throw new Error(`unfinished after ${timeoutMs} ms: ${JSON.stringify(rows)}`)
    await pause(LOOK_INTERVAL_MS)
  }
}

/**
 * Compares everything in the database with the stories that were played, and every rider's and driver's feed with the transitions
 * of his payments; says each difference in a line.
 */
export async function differences(pool: Pool, stories: readonly Story[]): Promise<string[]> {
  const events = await readEvents(pool)
  const payments = await readPayments(pool)
  const found: string[] = []
  for (const story of stories) {
    const payment = payments.get(story.merchantRef)
    payments.delete(story.merchantRef)
    const standing = story.tellings.filter((telling) => isStanding(telling, events, found))
    if (payment === undefined) found.push(`${story.merchantRef}: the payment is gone`)
    else comparePayment(story, standing, payment, found)
  }
  for (const eventId of events.keys()) found.push(`${eventId}: nobody sent it`)
  for (const merchantRef of payments.keys()) found.push(`${merchantRef}: nobody registered it`)
  return [...found, ...(await contradictions(pool)), ...(await feedDifferences(pool))]
}

interface EventRow {
  readonly rowId: string
  readonly words: string
}

async function readEvents(pool: Pool): Promise<Map<string, EventRow[]>> {
  const [rows] = await pool.query<RowDataPacket[]>(
    `SELECT e.id, e.event_id, e.state, e.outcome, e.conflicts_with IS NOT NULL AS conflict,
       (SELECT COUNT(*) FROM payment_transitions t WHERE t.event_id = e.id) AS transitions
     FROM webhook_events e`,
  )
  const events = new Map<string, EventRow[]>()
  for (const row of rows) {
    const list = events.get(row.event_id) ?? []
    const words = `${row.state} ${row.outcome}, ${row.transitions} transitions${Number(row.conflict) ? ', a conflict' : ''}`
    list.push({ rowId: idToText(row.id), words })
    events.set(row.event_id, list)
  }
  return events
}

/** Whether the event is stored; takes it off the list. What was acknowledged must be, under the id that was named. */
function isStanding(telling: Telling, events: Map<string, EventRow[]>, found: string[]): boolean {
  const [row, ...more] = events.get(telling.eventId) ?? []
  events.delete(telling.eventId)
  if (row === undefined) {
    if (telling.rowIds.size > 0) found.push(`${telling.eventId}: acknowledged and lost`)
    else if (!telling.givesUp) found.push(`${telling.eventId}: never acknowledged`)
    return false
  }
  if (more.length > 0) found.push(`${telling.eventId}: stored ${more.length + 1} times`)
  if (telling.rowIds.size > 0 && !telling.rowIds.has(row.rowId)) {
    found.push(`${telling.eventId}: acknowledged as ${[...telling.rowIds]}, stored as ${row.rowId}`)
  }
  const mustApply = telling.kind === 'captured' || telling.kind === 'refunded'
  const right = [
    'processed applied, 1 transitions',
    ...(mustApply ? [] : ['processed no_effect, 0 transitions']),
  ]
  if (!right.includes(row.words)) found.push(`${telling.eventId} (${telling.kind}): ${row.words}`)
  return true
}

interface PaymentRow {
  readonly state: string
  readonly capturedMinor: bigint
  readonly version: number
  readonly transitions: number
  readonly failures: number
  readonly ledger: ReadonlyMap<string, bigint>
  readonly legs: number
  readonly refundsMinor: bigint
  readonly messages: ReadonlyMap<string, number>
}

async function readPayments(pool: Pool): Promise<Map<string, PaymentRow>> {
  const [rows] = await pool.query<RowDataPacket[]>(
    `SELECT p.id, p.merchant_ref, p.state, p.captured_minor, p.version,
       (SELECT COUNT(*) FROM payment_transitions t WHERE t.payment_id = p.id) AS transitions,
       (SELECT COUNT(*) FROM payment_transitions t WHERE t.payment_id = p.id AND t.to_state = 'failed') AS failures,
       (SELECT COALESCE(SUM(o.amount_minor), 0) FROM payment_operations o
        WHERE o.payment_id = p.id AND o.kind = 'refund' AND o.state = 'succeeded') AS refunds_minor
     FROM payments p`,
  )
  const [entries] = await pool.query<RowDataPacket[]>(
    `SELECT payment_id, ledger_account, SUM(amount_minor) AS sum, COUNT(*) AS legs
     FROM ledger_entries GROUP BY payment_id, ledger_account`,
  )
  const [messages] = await pool.query<RowDataPacket[]>(
    'SELECT ordering_key, event, COUNT(*) AS count FROM outbox GROUP BY ordering_key, event',
  )
  const ledger = groupedBy(entries, (row) => idToText(row.payment_id))
  const outbox = groupedBy(messages, (row) => row.ordering_key)
  return new Map(
    rows.map((row) => {
      const own = ledger.get(idToText(row.id)) ?? []
      return [
        row.merchant_ref,
        {
          state: row.state,
          capturedMinor: BigInt(row.captured_minor),
          version: Number(row.version),
          transitions: Number(row.transitions),
          failures: Number(row.failures),
          ledger: new Map(own.map((entry) => [entry.ledger_account, BigInt(entry.sum)])),
          legs: own.reduce((sum, entry) => sum + Number(entry.legs), 0),
          refundsMinor: BigInt(row.refunds_minor),
          messages: new Map((outbox.get(idToText(row.id)) ?? []).map((m) => [m.event, Number(m.count)])),
        },
      ]
    }),
  )
}

function groupedBy(
  rows: RowDataPacket[],
  keyOf: (row: RowDataPacket) => string,
): Map<string, RowDataPacket[]> {
  const groups = new Map<string, RowDataPacket[]>()
  for (const row of rows) {
    const group = groups.get(keyOf(row))
    if (group) group.push(row)
    else groups.set(keyOf(row), [row])
  }
  return groups
}

/** The payment as the sender's truth has it, beside the payment as it is. */
function comparePayment(story: Story, standing: readonly Telling[], row: PaymentRow, found: string[]): void {
  const told = (kind: Telling['kind']) => standing.filter((telling) => telling.kind === kind)
  const captured = told('captured').length > 0 ? story.amountMinor : 0n
  const refunds = told('refunded')
  const refunded = refunds.reduce((sum, { amountMinor }) => sum + amountMinor, 0n)
  const moves = captured > 0n ? 1 + refunds.length : 0
  const wanted = {
    state: stateOf(captured, refunded, told('failed').length, told('pending').length),
    capturedMinor: captured,
    refundsMinor: refunded,
    version: row.transitions,
    legs: moves * 2,
    receivable: captured - refunded,
    paid: -captured,
    refunds: refunded,
    updated: row.transitions,
    completed: captured > 0n ? 1 : 0,
    refundMessages: refunds.length,
    failureMessages: row.failures,
  }
  const is = {
    state: row.state,
    capturedMinor: row.capturedMinor,
    refundsMinor: row.refundsMinor,
    version: row.version,
    legs: row.legs,
    receivable: row.ledger.get('gateway_receivable') ?? 0n,
    paid: row.ledger.get('rider_payments') ?? 0n,
    refunds: row.ledger.get('refunds') ?? 0n,
    updated: row.messages.get('payment.updated') ?? 0,
    completed: row.messages.get('payment.completed') ?? 0,
    refundMessages: row.messages.get('payment.refunded') ?? 0,
    failureMessages: row.messages.get('payment.failed') ?? 0,
  }
  for (const [name, value] of Object.entries(wanted)) {
    const actual = is[name as keyof typeof is]
    if (actual !== value) found.push(`${story.merchantRef}: ${name} is ${actual} and should be ${value}`)
  }
}

function stateOf(captured: bigint, refunded: bigint, failures: number, pendings: number): string {
  if (captured > 0n && refunded === captured) return 'refunded'
  if (captured > 0n) return refunded > 0n ? 'partially_refunded' : 'captured'
  if (failures > 0) return 'failed'
  return pendings > 0 ? 'pending' : 'created'
}

/** What must hold whatever was sent. */
async function contradictions(pool: Pool): Promise<string[]> {
  const questions = {
    'the ledger of a currency is out of balance':
      'SELECT currency, SUM(amount_minor) AS sum FROM ledger_entries GROUP BY currency HAVING sum <> 0',
    'the entries of a transition are out of balance':
      'SELECT transition_id, SUM(amount_minor) AS sum FROM ledger_entries GROUP BY transition_id HAVING sum <> 0',
    'a ledger entry has no transition':
      'SELECT l.leg FROM ledger_entries l LEFT JOIN payment_transitions t ON t.id = l.transition_id WHERE t.id IS NULL',
    'a transition has no event':
      'SELECT t.version FROM payment_transitions t LEFT JOIN webhook_events e ON e.id = t.event_id WHERE e.id IS NULL',
    'a processed event still waits': 'SELECT ref_key FROM webhook_parked',
    'a finished event is still due':
      "SELECT id FROM webhook_events WHERE state = 'processed' AND next_at IS NOT NULL",
  }
  const found: string[] = []
  for (const [words, sql] of Object.entries(questions)) {
    const [rows] = await pool.query<RowDataPacket[]>(`${sql} LIMIT 5`)
    if (rows.length > 0) found.push(`${words}: ${JSON.stringify(rows)}`)
  }
  return found
}
