import type { FactKind } from '../../payments/fact.ts'
import {
  DECISIVE_FIELDS,
  type Delivery,
  type GatewayAccount,
  type GatewayAdapter,
  type GatewayEvent,
  type Received,
} from './adapter.ts'
import { minorUnits } from './kit/amount.ts'
import { dateOfSeconds, identifierText, isIdentifier, isObject, type JsonObject } from './kit/body.ts'
import { type HeaderHmac, receiveSignedJson, unreadable } from './kit/raw-hmac.ts'
import { completeFact, held, NOTHING, type Reading } from './kit/verdict.ts'
import { readRazorpayPayout } from './payouts/razorpay.ts'

export const RAZORPAY_SIGNATURE: HeaderHmac = {
  header: 'X-Razorpay-Signature',
  hash: 'sha256',
  encoding: 'hex',
}

/**
 * Razorpay, https://razorpay.com/docs/webhooks: `X-Razorpay-Signature` signs the whole body. The id of the event stands in
 * a header beside it, which is not signed: whoever replays a delivery may write any id there, so it is shown to people and
 * identifies nothing.
 */
export const razorpay: GatewayAdapter = {
  name: 'razorpay',
  about: {
    title: 'Razorpay',
    source: 'https://razorpay.com/docs/webhooks',
    signature: 'HMAC-SHA256 hex of the body in `X-Razorpay-Signature`',
    eventId:
      '`event` and the id of its payment, refund or dispute; `x-razorpay-event-id` is unsigned and only shown',
  },
  tier: 'A',
  confirmFirst: false,
  secretForm: 'text',
  receive,
}

function receive(delivery: Delivery, account: GatewayAccount): Received {
  const shown = delivery.headers['x-razorpay-event-id']
  const gatewayEventId = isIdentifier(shown) ? { gatewayEventId: shown } : {}
  return receiveSignedJson(delivery, account, RAZORPAY_SIGNATURE, (body, signature) => ({
    ...readEvent(body, signature),
    ...gatewayEventId,
  }))
}

/** An event without a fact may come again for the same object (`subscription.updated`): there the signature makes it one. */
function readEvent(body: JsonObject, signature: string): GatewayEvent {
  const { event } = body
  if (!isIdentifier(event)) return unreadable(signature)
  const reading = readFact(event, isObject(body.payload) ? body.payload : {})
  const own = `${event}:${reading.fact?.operationRef}`
  return {
    eventId: reading.fact !== null && isIdentifier(own) ? own : `signature:${signature}`,
    type: event,
    occurredAt: dateOfSeconds(body.created_at),
    signed: DECISIVE_FIELDS,
    ...reading,
  }
}

/** `order.paid`, `payment_link.paid` and `invoice.paid` say again what `payment.captured` said: they carry no fact. */
function readFact(event: string, payload: JsonObject): Reading {
  const payment = PAYMENTS.get(event)
  if (payment !== undefined) return readPayment(payment, payload)
  const refund = REFUNDS.get(event)
  if (refund !== undefined) return readRefund(refund, payload)
  return event.startsWith('payment.dispute.')
    ? readDispute(event, payload)
    : readRazorpayPayout(event, payload)
}

interface PaymentEvent {
  readonly kind: FactKind
  /** The status that the payment may have by then: it moves on while the event waits. */
  readonly statuses: readonly unknown[]
}

const PAYMENTS: ReadonlyMap<string, PaymentEvent> = new Map([
  ['payment.authorized', { kind: 'authorized', statuses: ['authorized', 'captured', 'refunded'] }],
  ['payment.captured', { kind: 'captured', statuses: ['captured', 'refunded'] }],
  ['payment.failed', { kind: 'failed', statuses: ['failed', 'authorized', 'captured', 'refunded'] }],
])

/** A payment is captured in whole: `amount` is what was authorized and what was captured. */
function readPayment({ kind, statuses }: PaymentEvent, payload: JsonObject): Reading {
  const payment = entityOf(payload, 'payment')
  if (payment === null) return held('object_unreadable')
  if (!statuses.includes(payment.status)) return held('status_contradictory')
  return completeFact({ kind, ...referencesOf(payment), operationRef: payment.id, ...moneyOf(payment) })
}

const REFUNDS: ReadonlyMap<string, FactKind> = new Map([
  ['refund.processed', 'refunded'],
  ['refund.failed', 'refund_failed'],
])

/** Razorpay gives an authorized payment that nobody captured back as a refund: no money was ours, so it is cancelled. */
function readRefund(kind: FactKind, payload: JsonObject): Reading {
  const refund = entityOf(payload, 'refund')
  const payment = entityOf(payload, 'payment')
  if (refund === null || payment === null) return held('object_unreadable')
  if (payment.captured !== false) {
    return completeFact({ kind, ...referencesOf(payment), operationRef: refund.id, ...moneyOf(refund) })
  }
  if (kind !== 'refunded') return NOTHING
  return completeFact({
    kind: 'cancelled',
    ...referencesOf(payment),
    operationRef: refund.id,
    ...moneyOf(refund),
  })
}

function readDispute(event: string, payload: JsonObject): Reading {
  const dispute = entityOf(payload, 'dispute')
  const payment = entityOf(payload, 'payment')
  if (dispute === null || payment === null) return held('object_unreadable')
  const kind = disputeKind(event, dispute)
  if (typeof kind !== 'string') return kind
  return completeFact({ kind, ...referencesOf(payment), operationRef: dispute.id, ...moneyOf(dispute) })
}

/** In these phases the bank asks, and nothing is taken before it is lost; Razorpay, "About Disputes". */
const QUESTIONS: ReadonlySet<unknown> = new Set(['retrieval', 'fraud'])

/** `closed` says that it ended and not how; what was taken for it does. */
function disputeKind(
  event: string,
  { phase, amount_deducted: amountDeducted }: JsonObject,
): FactKind | Reading {
  switch (event) {
    case 'payment.dispute.created':
      return QUESTIONS.has(phase) ? NOTHING : 'disputed'
    case 'payment.dispute.won':
      return 'dispute_won'
    case 'payment.dispute.lost':
      return 'dispute_lost'
    case 'payment.dispute.closed':
      if (typeof amountDeducted !== 'number') return held('status_unknown')
      return amountDeducted === 0 ? 'dispute_won' : 'dispute_lost'
    default:
      return NOTHING
  }
}

/** `payload.<name>.entity` */
function entityOf(payload: JsonObject, name: string): JsonObject | null {
  const holder = payload[name]
  return isObject(holder) && isObject(holder.entity) ? holder.entity : null
}

/**
 * A payment is found by its order, or by its own id where it was made without one; `notes.merchant_ref` is our own reference
 * where we left it there. Empty notes come as `[]`.
 */
function referencesOf(payment: JsonObject) {
  // The browser writes notes: what is no reference there must not keep its order's payment from being found.
  const merchantRef = isObject(payment.notes) ? identifierText(payment.notes.merchant_ref) : null
  return { merchantRef, gatewayRef: payment.order_id ?? payment.id }
}

/** Amounts are integers of the smallest unit (paise), by ISO 4217. */
function moneyOf({ amount, currency }: JsonObject) {
  return { amountMinor: minorUnits(amount, currency), currency }
}
