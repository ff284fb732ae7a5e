import type { FactKind } from '../../payments/fact.ts'
import type { PayoutKind } from '../../payments/payout.ts'
import { DECISIVE_FIELDS, type GatewayEvent, type Refused } from './adapter.ts'
import { type Exponents, minorUnits } from './kit/amount.ts'
import { dateOfSeconds, isIdentifier, isObject, type JsonObject } from './kit/body.ts'
import { completeFact, completePayout, held, NOTHING, type Reading, refused } from './kit/verdict.ts'

/** What Stripe sends and what its API lists are one object, and are read alike. */
export function readEvent(event: JsonObject): GatewayEvent | Refused {
  const { id, type } = event
  if (id === undefined || id === null || id === '') return refused('event_id_missing', 'id is missing')
  if (!isIdentifier(id)) return refused('malformed_body', 'id is not a text of at most 255 bytes')
  if (!isIdentifier(type)) return refused('malformed_body', 'type is not a text of at most 255 bytes')
  return {
    eventId: id,
    type,
    occurredAt: dateOfSeconds(event.created),
    signed: DECISIVE_FIELDS,
    ...ofOurs(event, readFact(type, isObject(event.data) ? event.data.object : null)),
  }
}

/**
 * `account` names the connected account in which it happened (Connect): its money is not ours, its owner writes the metadata, and a
 * live endpoint gets its test payments too. An event of our own account has none.
 */
function ofOurs({ account }: JsonObject, reading: Reading): Reading {
  return account === undefined || account === null || reading === NOTHING ? reading : held('owner_mismatch')
}

/** The types that may carry a fact. */
export const STRIPE_FACT_TYPES = [
  'payment_intent.processing',
  'payment_intent.amount_capturable_updated',
  'payment_intent.succeeded',
  'payment_intent.payment_failed',
  'payment_intent.canceled',
  'refund.created',
  'refund.updated',
  'refund.failed',
  'charge.refund.updated',
  'charge.dispute.created',
  'charge.dispute.funds_withdrawn',
  'charge.dispute.closed',
  'payout.created',
  'payout.paid',
  'payout.failed',
  'payout.canceled',
] as const

/**
 * PaymentIntents tell of payments and refunds of refunds. The charge events that come beside them (charge.succeeded,
 * charge.captured, charge.refunded) say the same again, so counting them would count twice: they carry no fact.
 */
function readFact(type: string, object: unknown): Reading {
  switch (type) {
    case 'payment_intent.processing':
      return readIntent('pending', object, 'amount')
    case 'payment_intent.amount_capturable_updated':
      return readIntent('authorized', object, 'amount_capturable')
    case 'payment_intent.succeeded':
      return readIntent('captured', object, 'amount_received')
    case 'payment_intent.payment_failed':
      return readIntent('failed', object, 'amount')
    case 'payment_intent.canceled':
      return readIntent('cancelled', object, 'amount')
    case 'refund.created':
    case 'refund.updated':
    case 'refund.failed':
    case 'charge.refund.updated':
      return readRefund(object)
    case 'charge.dispute.created':
    case 'charge.dispute.funds_withdrawn':
    case 'charge.dispute.closed':
      return readDispute(type, object)
    case 'payout.created':
      return readPayout('payout_created', object)
    case 'payout.paid':
      return readPayout('payout_paid', object)
    case 'payout.failed':
    case 'payout.canceled':
      return readPayout('payout_failed', object)
    default:
      return NOTHING
  }
}

/** From Stripe to our bank. A bank may send back for days what was `paid`: Stripe then says `failed`. */
function readPayout(kind: PayoutKind, payout: unknown): Reading {
  if (!isObject(payout)) return held('object_unreadable')
  return completePayout({
    kind,
    merchantRef: merchantRefOf(payout),
    payoutRef: payout.id,
    ...moneyOf(payout, 'amount'),
  })
}

function readIntent(kind: FactKind, intent: unknown, amountField: string): Reading {
  if (!isObject(intent)) return held('object_unreadable')
  return completeFact({
    kind,
    merchantRef: merchantRefOf(intent),
    gatewayRef: intent.id,
    operationRef: idOf(intent.latest_charge) ?? intent.id,
    ...moneyOf(intent, amountField),
  })
}

function readRefund(refund: unknown): Reading {
  if (!isObject(refund)) return held('object_unreadable')
  const kind = refundKind(refund.status)
  // An authorization that ended is given back as a refund: no money was ours, and the PaymentIntent says that it is cancelled.
  if (kind === null || refund.reason === 'expired_uncaptured_charge') return NOTHING
  return completeFact({ kind, ...operationOn(refund) })
}

/** Pending refunds and those that need the customer's action have moved nothing yet. */
function refundKind(status: unknown): FactKind | null {
  if (status === 'succeeded') return 'refunded'
  return status === 'failed' || status === 'canceled' ? 'refund_failed' : null
}

function readDispute(type: string, dispute: unknown): Reading {
  if (!isObject(dispute)) return held('object_unreadable')
  const kind = disputeKind(type, dispute.status)
  if (kind === null) return NOTHING
  return completeFact({ kind, ...operationOn(dispute) })
}

/**
 * An inquiry (`warning_…`) is a question of the bank and withdraws nothing. When it becomes a chargeback no second
 * `created` comes, but the withdrawal does; it names the same dispute, and so the same operation.
 */
function disputeKind(type: string, status: unknown): FactKind | null {
  if (type === 'charge.dispute.closed') {
    if (status === 'won') return 'dispute_won'
    return status === 'lost' ? 'dispute_lost' : null
  }
  const isInquiry = typeof status === 'string' && status.startsWith('warning_')
  return isInquiry && type === 'charge.dispute.created' ? null : 'disputed'
}

function operationOn(object: JsonObject) {
  return {
    merchantRef: merchantRefOf(object),
    gatewayRef: idOf(object.payment_intent),
    operationRef: object.id,
    ...moneyOf(object, 'amount'),
  }
}

function merchantRefOf(object: JsonObject): unknown {
  const reference = isObject(object.metadata) ? object.metadata.merchant_ref : null
  return reference === '' ? null : reference
}

/** Stripe names another object by its id, or by the whole object where the account expands it. */
function idOf(value: unknown): unknown {
  return isObject(value) ? value.id : value
}

/**
 * Where Stripe counts otherwise than ISO 4217 (https://docs.stripe.com/currencies): ISK and UGX have no decimals there
 * either, but keep two in the API; MGA has none. HUF and TWD are special only in payouts.
 */
export const STRIPE_EXPONENTS: Exponents = new Map([
  ['ISK', 2],
  ['UGX', 2],
  ['MGA', 0],
])

function moneyOf(object: JsonObject, amountField: string) {
  const currency = typeof object.currency === 'string' ? object.currency.toUpperCase() : null
  return { amountMinor: minorUnits(object[amountField], currency, STRIPE_EXPONENTS), currency }
}
