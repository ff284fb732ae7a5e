import type { FactKind } from '../../payments/fact.ts'
import { majorUnits } from './kit/amount.ts'
import { identifierText, isObject, type JsonObject } from './kit/body.ts'
import { completeFact, held, type Reading } from './kit/verdict.ts'

/** One thing that a notification, or the status API's answer, says; both have one form. */
export interface MidtransOperation {
  /** The refund's or chargeback's own id; null for what concerns the whole transaction. */
  readonly ref: string | null
  readonly reading: Reading
}

/** More refunds than any order has. */
const MAX_REFUNDS = 100

/** The status API writes some in capitals (`PENDING` of DANA and ShopeePay). */
export function statusOf({ transaction_status: status }: JsonObject): unknown {
  return typeof status === 'string' ? status.toLowerCase() : status
}

/** What a transaction's status says: https://docs.midtrans.com/docs/transaction-status-cycle. Never empty. */
export function readOperations(body: JsonObject): readonly MidtransOperation[] {
  switch (statusOf(body)) {
    case 'refund':
    case 'partial_refund':
      return readList(body, 'refunded')
    case 'chargeback':
    case 'partial_chargeback':
      return readList(body, 'disputed')
    default:
      return [{ ref: null, reading: readStatus(body) }]
  }
}

const STATUSES: ReadonlyMap<unknown, FactKind> = new Map([
  ['authorize', 'authorized'],
  ['settlement', 'captured'],
  ['pending', 'pending'],
  ['deny', 'failed'],
  ['failure', 'failed'],
  ['cancel', 'cancelled'],
  ['expire', 'expired'],
])

function readStatus(body: JsonObject): Reading {
  if (statusOf(body) === 'capture') return readCapture(body)
  const kind = STATUSES.get(statusOf(body))
  return kind === undefined ? held('status_unknown') : readWhole(body, kind)
}

/** A captured card payment that the fraud detection doubts is not ours before somebody accepted it. */
function readCapture(body: JsonObject): Reading {
  switch (body.fraud_status) {
    case 'accept':
    case undefined:
      return readWhole(body, 'captured')
    case 'challenge':
      return readWhole(body, 'pending')
    case 'deny':
      return readWhole(body, 'failed')
    default:
      return held('status_unknown')
  }
}

/** The status code is signed and the status is not: money that came has the code of a success. */
const SUCCESS = '200'
const SUCCESSES: ReadonlySet<FactKind> = new Set(['authorized', 'captured'])

/** The fact of a transaction as a whole; `kind` is what its status means, or what it must have been before. */
export function readWhole(body: JsonObject, kind: FactKind): Reading {
  if (SUCCESSES.has(kind) && body.status_code !== SUCCESS) return held('status_contradictory')
  return completeFact({
    kind,
    ...referencesOf(body),
    operationRef: identifierText(body.transaction_id),
    ...moneyOf(body, body.gross_amount),
  })
}

/**
 * Refunds and chargebacks stand in `refunds` with their own amounts, beside their sum in `refund_amount`. Without the list there
 * is one, of the sum, and the transaction's id is its own.
 */
function readList(body: JsonObject, kind: FactKind): readonly MidtransOperation[] {
  const { refunds } = body
  if (Array.isArray(refunds) && refunds.length > 0) {
    return refunds.slice(0, MAX_REFUNDS).map((entry: unknown) => readEntry(body, entry, kind))
  }
  const id = identifierText(body.transaction_id)
  const draft = { kind, ...referencesOf(body), operationRef: id === null ? null : `${id}:${kind}` }
  const amount = body.refund_amount ?? (isWhole(statusOf(body)) ? body.gross_amount : undefined)
  return [{ ref: null, reading: completeFact({ ...draft, ...moneyOf(body, amount) }) }]
}

function isWhole(status: unknown): boolean {
  return status === 'refund' || status === 'chargeback'
}

function readEntry(body: JsonObject, entry: unknown, kind: FactKind): MidtransOperation {
  if (!isObject(entry)) return { ref: null, reading: held('object_unreadable') }
  // Only a refund has these. Listed beside a chargeback it was told before, and what the chargeback itself is nobody says.
  const isRefund = Boolean(entry.refund_key) || Boolean(entry.refund_method)
  if (isRefund && kind === 'disputed') return { ref: null, reading: held('status_contradictory') }
  const ref = identifierText(entry.refund_chargeback_id) ?? identifierText(entry.refund_key)
  const draft = { kind, ...referencesOf(body), operationRef: ref, ...moneyOf(body, entry.refund_amount) }
  return { ref, reading: completeFact(draft) }
}

function referencesOf({ order_id }: JsonObject) {
  return { merchantRef: order_id, gatewayRef: null }
}

/** Amounts are decimals of the major unit; old notifications name no currency, and there was but one. */
function moneyOf({ currency = 'IDR' }: JsonObject, amount: unknown) {
  return { amountMinor: majorUnits(amount, currency), currency }
}
