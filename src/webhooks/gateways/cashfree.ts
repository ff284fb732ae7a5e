import type { FactKind } from '../../payments/fact.ts'
import {
  DECISIVE_FIELDS,
  type Delivery,
  type GatewayAccount,
  type GatewayAdapter,
  type GatewayEvent,
  type Received,
} from './adapter.ts'
import { majorUnits } from './kit/amount.ts'
import { dateOfText, identifierText, isIdentifier, isObject, type JsonObject, wordOf } from './kit/body.ts'
import { isFresh } from './kit/clock.ts'
import { type HeaderHmac, receiveSignedJson, unreadable } from './kit/raw-hmac.ts'
import { completeFact, type FactDraft, held, NOTHING, type Reading, refused } from './kit/verdict.ts'
import { readCashfreeTransfer } from './payouts/cashfree.ts'

/**
 * Deliveries that fail are tried again for half an hour by default, and no document says that they are stamped anew: a
 * tolerance of minutes would lose them. A replay within the hour is a duplicate all the same.
 */
const TOLERANCE_SECONDS = 3_600

/** Timestamps are in milliseconds; those with as many digits as seconds have until 2286 are in seconds. */
const TIMESTAMP = /^\d{10}(?:\d{3})?$/
const SECONDS_DIGITS = 10

/** The timestamp stands right before the body: `$timestamp.$payload` in Cashfree's text is PHP, and its dot joins. */
export function cashfreeSignature(timestamp: string): HeaderHmac {
  return { header: 'x-webhook-signature', hash: 'sha256', encoding: 'base64', before: timestamp }
}

/**
 * Cashfree Payments, https://www.cashfree.com/docs/api-reference/webhooks: `x-webhook-signature` signs
 * `x-webhook-timestamp` and the whole body, with the client secret of the API.
 */
export const cashfree: GatewayAdapter = {
  name: 'cashfree',
  about: {
    title: 'Cashfree',
    source: 'https://www.cashfree.com/docs/api-reference/payments/latest/webhooks/overview',
    signature:
      'HMAC-SHA256 base64 of `x-webhook-timestamp` and the body, nothing between them, in `x-webhook-signature`, within an hour',
    eventId: 'the id of its payment, refund or dispute, and what happened to it',
  },
  tier: 'A',
  confirmFirst: false,
  secretForm: 'text',
  toleranceSeconds: TOLERANCE_SECONDS,
  receive,
}

function receive(delivery: Delivery, account: GatewayAccount, nowMs: number | null): Received {
  const timestamp = delivery.headers['x-webhook-timestamp']
  if (timestamp === undefined || timestamp === '')
    return refused('signature_missing', 'no x-webhook-timestamp header')
  if (!TIMESTAMP.test(timestamp)) {
    return refused('signature_invalid', 'x-webhook-timestamp is neither milliseconds nor seconds')
  }
  const received = receiveSignedJson(delivery, account, cashfreeSignature(timestamp), readEvent)
  const seconds = Number(timestamp.slice(0, SECONDS_DIGITS))
  if (received.kind === 'accepted' && !isFresh(seconds, nowMs, TOLERANCE_SECONDS)) {
    return refused('signature_expired', 'x-webhook-timestamp is more than an hour away')
  }
  return received
}

/** Cashfree signs no event id; what the event says and the id of the operation make one, whichever word brought it. */
function readEvent(body: JsonObject, signature: string): GatewayEvent {
  const { type, data } = body
  if (!isIdentifier(type) || !isObject(data)) return unreadable(signature)
  const reading = readFact(type, data)
  const own = reading.fact === null ? autoRefundId(data) : `${reading.fact.kind}:${reading.fact.operationRef}`
  return {
    eventId: isIdentifier(own) ? own : `signature:${signature}`,
    type,
    occurredAt: dateOfText(body.event_time),
    signed: DECISIVE_FIELDS,
    ...reading,
  }
}

/** Links, forms, settlements and charges say nothing that these do not say: `PAYMENT_LINK_EVENT` has no payment's id. */
function readFact(type: string, data: JsonObject): Reading {
  switch (type) {
    case 'PAYMENT_SUCCESS_WEBHOOK':
    case 'PAYMENT_FAILED_WEBHOOK':
    case 'PAYMENT_USER_DROPPED_WEBHOOK':
      return readPayment(data)
    case 'REFUND_STATUS_WEBHOOK':
      return readRefund(partOf(data, 'refund'))
    case 'DISPUTE_CREATED':
    case 'DISPUTE_UPDATED':
    case 'DISPUTE_CLOSED':
      return readDispute(data)
    case 'AUTO_REFUND_STATUS_WEBHOOK':
      return readAutoRefund(partOf(data, 'auto_refund'))
    default:
      return readCashfreeTransfer(type, data)
  }
}

const PAYMENT_STATUSES: ReadonlyMap<unknown, FactKind> = new Map([
  ['SUCCESS', 'captured'],
  ['FAILED', 'failed'],
  ['USER_DROPPED', 'failed'],
  ['CANCELLED', 'cancelled'],
  ['VOID', 'cancelled'],
  ['PENDING', 'pending'],
  ['NOT_ATTEMPTED', 'pending'],
])

/** `payment_amount` is what was paid in this attempt; `order_amount` may be more (offers, part payments). */
function readPayment(data: JsonObject): Reading {
  const order = partOf(data, 'order')
  const payment = partOf(data, 'payment')
  if (order === null || payment === null) return held('object_unreadable')
  const kind = PAYMENT_STATUSES.get(payment.payment_status)
  if (kind === undefined) return held('status_unknown')
  const currency = payment.payment_currency ?? order.order_currency
  return completeFact(draft(kind, order.order_id, payment.cf_payment_id, payment.payment_amount, currency))
}

/** A refund that Cashfree gave up after several attempts is CANCELLED. */
const REFUND_STATUSES: ReadonlyMap<unknown, FactKind> = new Map([
  ['SUCCESS', 'refunded'],
  ['CANCELLED', 'refund_failed'],
  ['FAILED', 'refund_failed'],
])
const REFUND_UNDER_WAY: ReadonlySet<unknown> = new Set(['PENDING', 'ONHOLD'])

function readRefund(refund: JsonObject | null): Reading {
  if (refund === null) return held('object_unreadable')
  if (REFUND_UNDER_WAY.has(refund.refund_status)) return NOTHING
  const kind = REFUND_STATUSES.get(refund.refund_status)
  if (kind === undefined) return held('status_unknown')
  return completeFact(
    draft(kind, refund.order_id, refund.cf_refund_id, refund.refund_amount, refund.refund_currency),
  )
}

/** No payment of ours was told before these. */
const NEVER_OURS = /^(?:Credit was received for an incomplete payment|Payment made directly to your VPA)/

/**
 * What Cashfree pays back by itself: a payment beside another, after its time, or for a dispute, whose own events take the money too. It
 * names the order, and we do not know by which of its payments that is paid.
 */
function readAutoRefund(refund: JsonObject | null): Reading {
  if (refund === null) return held('object_unreadable')
  const { refund_status, refund_reason } = refund
  const isOurs = typeof refund_reason !== 'string' || !NEVER_OURS.test(refund_reason)
  return refund_status !== 'INITIATED' && isOurs ? held('event_unknown') : NOTHING
}

function autoRefundId(data: JsonObject): string | null {
  const refund = partOf(data, 'auto_refund')
  const id = identifierText(refund?.cf_refund_id)
  return id === null ? null : `auto_refund:${id}:${wordOf(refund?.refund_status)}`
}

/** `<stage>_<word>`. INSUFFICIENT_EVIDENCE asks for better documents, and the dispute goes on. Every stage but RETRIEVAL (a mere question) takes the money, and winning one gives it back. */
const DISPUTE_STATUS = /^(DISPUTE|CHARGEBACK|PRE_ARBITRATION|ARBITRATION)_([A-Z_]+)$/

const DISPUTE_WORDS: ReadonlyMap<unknown, FactKind> = new Map([
  ['CREATED', 'disputed'],
  ['MERCHANT_WON', 'dispute_won'],
  ['MERCHANT_LOST', 'dispute_lost'],
  ['MERCHANT_ACCEPTED', 'dispute_lost'],
])

/** The bank that disagrees with a win begins the next stage under the same id: each stage is an operation of its own. */
function readDispute(data: JsonObject): Reading {
  const dispute = partOf(data, 'dispute')
  const order = partOf(data, 'order_details')
  if (dispute === null || order === null) return held('object_unreadable')
  const status = typeof dispute.dispute_status === 'string' ? dispute.dispute_status : ''
  const [, stage, word] = DISPUTE_STATUS.exec(status) ?? []
  const kind = DISPUTE_WORDS.get(word)
  if (kind === undefined) return NOTHING
  const id = identifierText(dispute.dispute_id)
  const currency = dispute.dispute_amount_currency ?? order.order_currency
  const operation = id === null ? null : `${id}:${stage}`
  return completeFact(draft(kind, order.order_id, operation, dispute.dispute_amount, currency))
}

/** order_id is our own reference; Cashfree's ids are numbers in older versions and texts in newer ones. */
function draft(
  kind: FactKind,
  orderId: unknown,
  operationId: unknown,
  amount: unknown,
  currency: unknown,
): FactDraft {
  return {
    kind,
    merchantRef: orderId,
    gatewayRef: null,
    operationRef: identifierText(operationId),
    amountMinor: majorUnits(amount, currency),
    currency,
  }
}

function partOf(data: JsonObject, name: string): JsonObject | null {
  const part = data[name]
  return isObject(part) ? part : null
}
