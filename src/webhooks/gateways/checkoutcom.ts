import type { FactKind } from '../../payments/fact.ts'
import { DECISIVE_FIELDS, type GatewayAdapter, type GatewayEvent } from './adapter.ts'
import { type Exponents, minorUnits } from './kit/amount.ts'
import { dateOfText, isIdentifier, isObject, type JsonObject } from './kit/body.ts'
import { type HeaderHmac, receiveSignedJson, unreadable } from './kit/raw-hmac.ts'
import { completeFact, completePayout, held, NOTHING, type Reading } from './kit/verdict.ts'
import { CHECKOUTCOM_PAYOUTS } from './payouts/checkoutcom.ts'

/** The key is the signature key of the workflow's webhook action. */
export const CHECKOUTCOM_SIGNATURE: HeaderHmac = { header: 'Cko-Signature', hash: 'sha256', encoding: 'hex' }

/** Checkout.com, https://www.checkout.com/docs/workflows: `Cko-Signature` signs the whole body, without a time. */
export const checkoutcom: GatewayAdapter = {
  name: 'checkoutcom',
  about: {
    title: 'Checkout.com',
    source: 'https://www.checkout.com/docs/workflows/set-up-your-webhook-receiver',
    signature: 'HMAC-SHA256 hex of the body in `Cko-Signature`',
    eventId: '`id`',
  },
  tier: 'A',
  confirmFirst: false,
  secretForm: 'text',
  receive: (delivery, account) => receiveSignedJson(delivery, account, CHECKOUTCOM_SIGNATURE, readEvent),
}

/** Accounts of before 2021 write `created_on`, later ones `timestamp`. */
function readEvent({ id, type, data, ...event }: JsonObject, signature: string): GatewayEvent {
  if (!isIdentifier(id) || !isIdentifier(type)) return unreadable(signature)
  return {
    eventId: id,
    type,
    occurredAt: dateOfText(event.timestamp ?? event.created_on),
    signed: DECISIVE_FIELDS,
    ...readFact(type, data),
  }
}

/**
 * Each of these says what became of an action. Those left out change nothing (`payment_capture_pending`), leave the payment
 * where it was (`payment_capture_declined`, `payment_void_declined`) or are about cards.
 */
const PAYMENTS: ReadonlyMap<string, FactKind> = new Map([
  ['payment_pending', 'pending'],
  ['payment_approved', 'authorized'],
  ['payment_captured', 'captured'],
  ['payment_declined', 'failed'],
  ['payment_authentication_failed', 'failed'],
  ['payment_canceled', 'cancelled'],
  ['payment_voided', 'cancelled'],
  ['payment_expired', 'expired'],
  ['payment_refunded', 'refunded'],
  ['payment_refund_declined', 'refund_failed'],
])

/**
 * `received` and `evidence_required` name the same dispute, and so one operation. Of a dispute that ended, canceled gives the money
 * back; expired and accepted do not. What resolved does, its reason says: see isGivenBack.
 */
const DISPUTES: ReadonlyMap<string, FactKind> = new Map([
  ['dispute_received', 'disputed'],
  ['dispute_evidence_required', 'disputed'],
  ['dispute_won', 'dispute_won'],
  ['dispute_arbitration_won', 'dispute_won'],
  ['dispute_canceled', 'dispute_won'],
  ['dispute_resolved', 'dispute_won'],
  ['dispute_lost', 'dispute_lost'],
  ['dispute_arbitration_lost', 'dispute_lost'],
  ['dispute_accepted', 'dispute_lost'],
  ['dispute_expired', 'dispute_lost'],
])

function readFact(type: string, data: unknown): Reading {
  const payment = PAYMENTS.get(type)
  const dispute = DISPUTES.get(type)
  const payout = CHECKOUTCOM_PAYOUTS.get(type)
  if (payment === undefined && dispute === undefined && payout === undefined) return NOTHING
  if (!isObject(data)) return held('object_unreadable')
  if (payout !== undefined)
    return completePayout({ kind: payout, merchantRef: data.reference, payoutRef: data.id, ...moneyOf(data) })
  if (payment !== undefined) return readPayment(payment, data)
  if (type === 'dispute_resolved' && !isGivenBack(data)) return held('event_unknown')
  return dispute === undefined ? NOTHING : readDispute(dispute, data)
}

/** `id` is the payment's; each capture and refund of it is an action with an id of its own. */
function readPayment(kind: FactKind, data: JsonObject): Reading {
  return completeFact({
    kind,
    merchantRef: textOrNull(data.reference),
    gatewayRef: data.id,
    operationRef: textOrNull(data.action_id) ?? data.id,
    ...moneyOf(data),
  })
}

/**
 * Resolved, in the first documents, because a refund of ours had paid the customer already. By now it may also be Visa's rapid dispute
 * resolution, which pays him with our money and brings no refund of its own.
 */
function isGivenBack({ resolved_reason: reason }: JsonObject): boolean {
  return reason === undefined || reason === 'already_refunded'
}

function readDispute(kind: FactKind, data: JsonObject): Reading {
  return completeFact({
    kind,
    merchantRef: textOrNull(data.payment_reference),
    gatewayRef: data.payment_id,
    operationRef: data.id,
    ...moneyOf(data),
  })
}

/** A payment without a reference of ours has an empty one, or none. */
function textOrNull(value: unknown): unknown {
  return value === '' ? null : value
}

/**
 * Where Checkout.com counts otherwise than ISO 4217: whatever stands in neither its list of whole amounts nor that of
 * thousandths has two digits (https://www.checkout.com/docs/payments/accept-payments/format-the-amount-value).
 */
export const CHECKOUTCOM_EXPONENTS: Exponents = new Map([
  ['CLF', 2],
  ['CLP', 2],
  ['UYI', 2],
  ['UYW', 2],
])

function moneyOf(data: JsonObject) {
  const { currency } = data
  return { amountMinor: minorUnits(data.amount, currency, CHECKOUTCOM_EXPONENTS), currency }
}
