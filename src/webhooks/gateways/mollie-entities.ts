import type { FactKind } from '../../payments/fact.ts'
import { majorUnits } from './kit/amount.ts'
import { isObject, type JsonObject } from './kit/body.ts'
import { completeFact, held, NOTHING, type Reading } from './kit/verdict.ts'

const PAYMENT_ID = /^tr_[A-Za-z0-9]{1,64}$/

export function isPaymentId(value: unknown): value is string {
  return typeof value === 'string' && PAYMENT_ID.test(value)
}

/** The states of a payment; `open` is one that the customer has not begun. */
export const PAYMENT_STATES: ReadonlyMap<unknown, FactKind> = new Map<unknown, FactKind>([
  ['open', 'pending'],
  ['pending', 'pending'],
  ['authorized', 'authorized'],
  ['paid', 'captured'],
  ['failed', 'failed'],
  ['canceled', 'cancelled'],
  ['expired', 'expired'],
])

/** A refund that is queued, pending or processing has moved nothing yet; one that was canceled never did. */
export const REFUND_STATES: ReadonlyMap<unknown, FactKind> = new Map<unknown, FactKind>([
  ['refunded', 'refunded'],
  ['failed', 'refund_failed'],
])

/**
 * `payment.paid` and the like. `capture.succeeded` and `payment-link.paid` say again what `payment.paid` says, and carry no fact.
 */
export function readEntity(type: string, entity: JsonObject | null): Reading {
  const [resource, state] = type.split('.')
  const read = resource === undefined ? undefined : READERS.get(resource)
  if (read === undefined) return NOTHING
  return read(state, entity)
}

type Reader = (state: string | undefined, entity: JsonObject | null) => Reading

const READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['payment', readPaymentEvent],
  ['refund', readRefundEvent],
  ['chargeback', readChargebackEvent],
])

function readPaymentEvent(state: string | undefined, payment: JsonObject | null): Reading {
  const kind = PAYMENT_STATES.get(state)
  if (kind === undefined) return held('status_unknown')
  return payment === null ? held('object_unreadable') : completeFact(paymentDraft(kind, payment))
}

function readRefundEvent(state: string | undefined, refund: JsonObject | null): Reading {
  const kind = REFUND_STATES.get(state)
  if (kind === undefined) return NOTHING
  return refund === null ? held('object_unreadable') : completeFact(partDraft(kind, refund, refund.paymentId))
}

function readChargebackEvent(state: string | undefined, chargeback: JsonObject | null): Reading {
  const kind = state === 'received' ? 'disputed' : state === 'reversed' ? 'dispute_won' : null
  if (kind === null) return NOTHING
  return chargeback === null
    ? held('object_unreadable')
    : completeFact(partDraft(kind, chargeback, chargeback.paymentId))
}

/** What was captured, where only a part of what was authorized is. */
export function paymentDraft(kind: FactKind, payment: JsonObject) {
  const amount = kind === 'captured' ? (payment.amountCaptured ?? payment.amount) : payment.amount
  return {
    kind,
    merchantRef: merchantRefOf(payment.metadata),
    gatewayRef: payment.id,
    operationRef: payment.id,
    ...moneyOf(amount),
  }
}

/** A refund or a chargeback: they name their payment by its id alone. */
export function partDraft(kind: FactKind, part: JsonObject, paymentId: unknown) {
  return { kind, merchantRef: null, gatewayRef: paymentId, operationRef: part.id, ...moneyOf(part.amount) }
}

function merchantRefOf(metadata: unknown): unknown {
  const reference = isObject(metadata) ? metadata.merchant_ref : null
  return reference === '' ? null : reference
}

/** `{ "currency": "EUR", "value": "10.00" }`: a decimal of major units, as text. */
function moneyOf(amount: unknown) {
  if (!isObject(amount)) return { amountMinor: null, currency: null }
  const { currency, value } = amount
  return { amountMinor: typeof value === 'string' ? majorUnits(value, currency) : null, currency }
}
