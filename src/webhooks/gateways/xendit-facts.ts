import type { FactKind } from '../../payments/fact.ts'
import { majorUnits } from './kit/amount.ts'
import { identifierText, isObject, type JsonObject } from './kit/body.ts'
import { completeFact, held, NOTHING, type Reading } from './kit/verdict.ts'
import { readXenditPayout } from './payouts/xendit.ts'

/**
 * What a delivery is about. payment: of the Payments API, version 3 (it has a `payment_id`). request: a payment of version 2, known
 * by its payment request, which the API of that version shows alone. refund, of either. payout: of version 2. invoice: a flat object
 * without an event. unread: money of a product whose form is not read here.
 */
export type XenditObject =
  | {
      readonly is: 'payment' | 'request' | 'refund' | 'payout' | 'invoice'
      readonly id: string
      readonly object: JsonObject
    }
  | { readonly is: 'unread'; readonly event: string; readonly object: JsonObject }
  | { readonly is: 'other' | 'unreadable' }

/** Which object a delivery tells of. Subscriptions and tokens are no payments of ours. */
export function objectOf(body: JsonObject): XenditObject {
  if (body.event === undefined) return named('invoice', body.id, body)
  const { event, data } = body
  if (typeof event === 'string' && UNREAD.test(event))
    return { is: 'unread', event, object: isObject(data) ? data : body }
  if (typeof event !== 'string' || !isObject(data)) return { is: 'unreadable' }
  if (event.startsWith('refund.')) return named('refund', data.refund_id ?? data.id, data)
  if (event.startsWith('payout.')) return named('payout', data.id, data)
  if (event.startsWith('payment.'))
    return data.payment_id === undefined
      ? named('request', data.payment_request_id ?? data.id, data)
      : named('payment', data.payment_id, data)
  return event === 'payment_request.expiry'
    ? named('request', data.payment_request_id ?? data.id, data)
    : { is: 'other' }
}

/** Disputes (which have no `data`), and payments of the products before the Payments API. */
const UNREAD = /^(?:dispute|ewallet|qr|direct_debit|paylater)\./

function named(
  is: 'payment' | 'request' | 'refund' | 'payout' | 'invoice',
  id: unknown,
  object: JsonObject,
): XenditObject {
  const text = identifierText(id)
  return text === null ? { is: 'unreadable' } : { is, id: text, object }
}

/** The fact of a delivery's object, or of the object with which the API answers: they have one form. */
export function readObject(one: XenditObject): Reading {
  switch (one.is) {
    case 'payment':
    case 'request':
      return readPayment(one.object, one.id)
    case 'refund':
      return readRefund(one.object, one.id)
    case 'payout':
      return readXenditPayout(one.object, one.id)
    case 'invoice':
      return readInvoice(one.object, one.id)
    case 'other':
      return NOTHING
    case 'unread':
      return held('event_unknown')
    case 'unreadable':
      return held('object_unreadable')
    default:
      return one satisfies never
  }
}

const PAYMENT_STATUSES: ReadonlyMap<unknown, FactKind> = new Map([
  ['SUCCEEDED', 'captured'],
  ['AUTHORIZED', 'authorized'],
  ['AWAITING_CAPTURE', 'authorized'],
  ['PENDING', 'pending'],
  ['REQUIRES_ACTION', 'pending'],
  ['ACCEPTING_PAYMENTS', 'pending'],
  ['FAILED', 'failed'],
  ['EXPIRED', 'expired'],
  ['CANCELED', 'cancelled'],
  ['CANCELLED', 'cancelled'],
  ['VOIDED', 'cancelled'],
])

/** `reference_id` is ours. What was captured in parts counts by what was captured. */
function readPayment(object: JsonObject, id: string): Reading {
  const kind = PAYMENT_STATUSES.get(object.status)
  if (kind === undefined) return held('status_unknown')
  const { currency } = object
  return completeFact({
    kind,
    merchantRef: object.reference_id,
    gatewayRef: object.payment_request_id ?? id,
    operationRef: id,
    amountMinor: kind === 'captured' ? capturedAmount(object) : majorUnits(wholeAmount(object), currency),
    currency,
  })
}

function wholeAmount({ amount, request_amount }: JsonObject): unknown {
  return amount ?? request_amount
}

/** Version 3 lists the captures of a payment; null where one of them cannot be read. */
function capturedAmount(object: JsonObject): bigint | null {
  const { captures, currency } = object
  if (!Array.isArray(captures) || captures.length === 0) return majorUnits(wholeAmount(object), currency)
  let sum = 0n
  for (const capture of captures) {
    const amount = isObject(capture) ? majorUnits(capture.capture_amount, currency) : null
    if (amount === null) return null
    sum += amount
  }
  return sum
}

const REFUND_STATUSES: ReadonlyMap<unknown, FactKind> = new Map([
  ['SUCCEEDED', 'refunded'],
  ['FAILED', 'refund_failed'],
  ['CANCELLED', 'refund_failed'],
])

/**
 * A refund's own `reference_id` is that of the refund: the payment is found by what Xendit calls it, an invoice by its own id even where
 * its payment has one, too. What does not apply comes empty or as null.
 */
function readRefund(object: JsonObject, id: string): Reading {
  if (object.status === 'PENDING') return NOTHING
  const kind = REFUND_STATUSES.get(object.status)
  if (kind === undefined) return held('status_unknown')
  const { currency, payment_request_id, invoice_id, payment_id } = object
  return completeFact({
    kind,
    merchantRef: null,
    gatewayRef: invoice_id || payment_request_id || payment_id,
    operationRef: id,
    amountMinor: majorUnits(object.amount, currency),
    currency,
  })
}

/** SETTLED is a paid invoice whose money has reached the balance. */
const INVOICE_STATUSES: ReadonlyMap<unknown, FactKind> = new Map([
  ['PAID', 'captured'],
  ['SETTLED', 'captured'],
  ['PENDING', 'pending'],
  ['EXPIRED', 'expired'],
])

/** `external_id` is ours. Older invoices name no currency, and there was but one. */
function readInvoice(object: JsonObject, id: string): Reading {
  const kind = INVOICE_STATUSES.get(object.status)
  if (kind === undefined) return held('status_unknown')
  const { currency = 'IDR' } = object
  const amount = kind === 'captured' ? (object.paid_amount ?? object.amount) : object.amount
  return completeFact({
    kind,
    merchantRef: object.external_id,
    gatewayRef: id,
    operationRef: id,
    amountMinor: majorUnits(amount, currency),
    currency,
  })
}
