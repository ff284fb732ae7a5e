import type { Pool } from '../../db/pools.ts'
import type { RowDataPacket } from '../../db/rows.ts'
import type { Id } from '../base/ids.ts'
import type { FactKind } from './fact.ts'
import type { PaymentState } from './state.ts'

/** A payment as a line of a list. Amounts are minor units. */
export interface PaymentSummary {
  readonly id: Id
  readonly gateway: string
  readonly account: string
  readonly merchantRef: string
  readonly gatewayRef: string | null
  readonly state: PaymentState
  readonly expectedMinor: bigint
  readonly capturedMinor: bigint
  readonly currency: string
  readonly tripId: string | null
  readonly createdAt: Date
  readonly updatedAt: Date
}

export interface StoredTransition {
  readonly id: Id
  readonly version: number
  readonly eventId: Id | null
  readonly kind: FactKind
  readonly from: PaymentState | null
  readonly to: PaymentState
  readonly operationRef: string | null
  readonly amountMinor: bigint | null
  readonly currency: string | null
  readonly at: Date
}

export interface StoredEntry {
  readonly transitionId: Id
  readonly ledgerAccount: string
  /** Positive is debit, negative is credit. */
  readonly amountMinor: bigint
  readonly currency: string
}

/** What narrows a list of payments; what is left out does not. */
export interface PaymentFilter {
  readonly gateway?: string | undefined
  readonly account?: string | undefined
  readonly state?: string | undefined
  readonly tripId?: string | undefined
}

type Queryable = Pick<Pool, 'query'>

/** Lists payments, the newest first. `after` is the last of the page before. Uses the index trip or the primary key. */
export async function listPayments(
  pool: Queryable,
  filter: PaymentFilter,
  page: { readonly limit: number; readonly after?: Id | undefined },
): Promise<{ payments: PaymentSummary[]; hasMore: boolean }> {
  const wanted: [string, unknown][] = [
    ['gateway = ?', filter.gateway],
    ['account = ?', filter.account],
    ['state = ?', filter.state],
    ['trip_id = ?', filter.tripId],
    ['id < ?', page.after],
  ]
  const asked = wanted.filter(([, value]) => value !== undefined)
  const condition = asked.length === 0 ? 'TRUE' : asked.map(([sql]) => sql).join(' AND ')
  const [rows] = await pool.query<RowDataPacket[]>(
    `SELECT id, gateway, account, merchant_ref, gateway_ref, state, expected_minor, captured_minor, currency, trip_id,
       created_at, updated_at
     FROM payments WHERE ${condition} ORDER BY id DESC LIMIT ?`,
    [...asked.map(([, value]) => value), page.limit + 1],
  )
  return { payments: rows.slice(0, page.limit).map(toSummary), hasMore: rows.length > page.limit }
}

function toSummary(row: RowDataPacket): PaymentSummary {
  return {
    id: row.id,
    gateway: row.gateway,
    account: row.account,
    merchantRef: row.merchant_ref,
    gatewayRef: row.gateway_ref,
    state: row.state,
    expectedMinor: BigInt(row.expected_minor),
    capturedMinor: BigInt(row.captured_minor),
    currency: row.currency,
    tripId: row.trip_id,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}

/** More transitions than any payment has; a refund or dispute is one or two. */
const HISTORY_LIMIT = 1_000

/** What happened to a payment, in order. Uses one_transition_per_version. */
export async function readTransitions(pool: Queryable, paymentId: Id): Promise<StoredTransition[]> {
  const [rows] = await pool.query<RowDataPacket[]>(
    `SELECT id, version, event_id, kind, from_state, to_state, operation_ref, amount_minor, currency, at
     FROM payment_transitions WHERE payment_id = ? ORDER BY version LIMIT ?`,
    [paymentId, HISTORY_LIMIT],
  )
  return rows.map((row) => ({
    id: row.id,
    version: Number(row.version),
    eventId: row.event_id,
    kind: row.kind,
    from: row.from_state,
    to: row.to_state,
    operationRef: row.operation_ref,
    amountMinor: row.amount_minor === null ? null : BigInt(row.amount_minor),
    currency: row.currency,
    at: row.at,
  }))
}

/** A payment's ledger entries, transition by transition. Uses the index payment. */
export async function readEntries(pool: Queryable, paymentId: Id): Promise<StoredEntry[]> {
  const [rows] = await pool.query<RowDataPacket[]>(
    `SELECT transition_id, ledger_account, amount_minor, currency FROM ledger_entries
     WHERE payment_id = ? ORDER BY transition_id, leg LIMIT ?`,
    [paymentId, HISTORY_LIMIT],
  )
  return rows.map((row) => ({
    transitionId: row.transition_id,
    ledgerAccount: row.ledger_account,
    amountMinor: BigInt(row.amount_minor),
    currency: row.currency,
  }))
}

/** Whether the entries of every transition sum to zero in each currency. Pure. */
export function balances(entries: readonly StoredEntry[]): boolean {
  const sums = new Map<string, bigint>()
  for (const { transitionId, currency, amountMinor } of entries) {
    const key = `${transitionId.toString('hex')} ${currency}`
    sums.set(key, (sums.get(key) ?? 0n) + amountMinor)
  }
  return [...sums.values()].every((sum) => sum === 0n)
}
