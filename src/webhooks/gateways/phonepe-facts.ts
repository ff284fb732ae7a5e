import type { FactKind } from '../../payments/fact.ts'
import { minorUnits } from './kit/amount.ts'
import { type JsonObject, wordOf } from './kit/body.ts'
import { completeFact, type FactDraft, held, NOTHING, type Reading } from './kit/verdict.ts'

/** PhonePe settles in one currency, and its amounts are in paise. */
const CURRENCY = 'INR'

const ORDER_STATES: ReadonlyMap<unknown, FactKind> = new Map([
  ['COMPLETED', 'captured'],
  ['PENDING', 'pending'],
  ['FAILED', 'failed'],
])

/** An order, as version 2 tells of it and as its status API shows it: `state` at the root alone counts. */
export function readOrder(order: JsonObject): Reading {
  const kind = ORDER_STATES.get(order.state)
  if (kind === undefined) return held('status_unknown')
  return completeFact(draft(kind, order.merchantOrderId, order.orderId, order.orderId, order.amount))
}

const REFUND_STATES: ReadonlyMap<unknown, FactKind> = new Map([
  ['COMPLETED', 'refunded'],
  ['FAILED', 'refund_failed'],
])
const REFUND_UNDER_WAY: ReadonlySet<unknown> = new Set(['PENDING', 'CONFIRMED', 'ACCEPTED'])

/**
 * A refund of version 2, told or shown; nothing while it is under way. It is known by our own id, because the status API is asked by
 * that and does not show PhonePe's (RefundStatusResponse of the SDKs).
 */
export function readRefund(refund: JsonObject): Reading {
  if (REFUND_UNDER_WAY.has(refund.state)) return NOTHING
  const kind = REFUND_STATES.get(refund.state)
  if (kind === undefined) return held('status_unknown')
  const { originalMerchantOrderId, refundId, merchantRefundId, amount } = refund
  return completeFact(draft(kind, originalMerchantOrderId, null, merchantRefundId ?? refundId, amount))
}

/** The code says how it went and the state that it is over: both must say so. */
const V1_OUTCOMES: ReadonlyMap<string, FactKind> = new Map([
  ['PAYMENT_SUCCESS:COMPLETED', 'captured'],
  ['PAYMENT_PENDING:PENDING', 'pending'],
  ['PAYMENT_ERROR:FAILED', 'failed'],
  ['PAYMENT_DECLINED:FAILED', 'failed'],
  ['TIMED_OUT:FAILED', 'expired'],
])

/** A transaction of version 1. */
export function readTransaction(code: unknown, data: JsonObject): Reading {
  const kind = V1_OUTCOMES.get(`${wordOf(code)}:${wordOf(data.state)}`)
  if (kind === undefined) return held('status_unknown')
  return completeFact(
    draft(kind, data.merchantTransactionId, data.transactionId, data.transactionId, data.amount),
  )
}

function draft(
  kind: FactKind,
  merchantRef: unknown,
  gatewayRef: unknown,
  operationRef: unknown,
  amount: unknown,
): FactDraft {
  return {
    kind,
    merchantRef,
    gatewayRef,
    operationRef,
    amountMinor: minorUnits(amount, CURRENCY),
    currency: CURRENCY,
  }
}
