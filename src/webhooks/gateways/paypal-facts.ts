import type { FactKind } from '../../payments/fact.ts'
import type { PayoutKind } from '../../payments/payout.ts'
import { type Exponents, majorUnits, minorUnitsOfText } from './kit/amount.ts'
import { isIdentifier, isObject, type JsonObject } from './kit/body.ts'
import { completeFact, completePayout, type FactDraft, held, NOTHING, type Reading } from './kit/verdict.ts'
import { PAYPAL_PAYOUTS } from './payouts/paypal.ts'

/**
 * Currencies that have decimals by ISO 4217 and none at PayPal, https://developer.paypal.com/api/rest/reference/currency-codes.
 * JPY has none anywhere.
 */
export const PAYPAL_EXPONENTS: Exponents = new Map([
  ['HUF', 0],
  ['TWD', 0],
])

/** `capture`: the resource is the payment itself. `refund`: it names its payment by a link. */
type Subject = 'capture' | 'refund'

/**
 * https://developer.paypal.com/api/rest/webhooks/event-names: payments v2, and the sales of v1 that subscriptions still make.
 * A void may be ours or the end of thirty days. Orders tell what their captures and authorizations tell again.
 */
const EVENTS: ReadonlyMap<string, readonly [on: Subject, kind: FactKind]> = new Map([
  ['PAYMENT.AUTHORIZATION.CREATED', ['capture', 'authorized']],
  ['PAYMENT.AUTHORIZATION.VOIDED', ['capture', 'cancelled']],
  ['PAYMENT.CAPTURE.PENDING', ['capture', 'pending']],
  ['PAYMENT.CAPTURE.COMPLETED', ['capture', 'captured']],
  ['PAYMENT.CAPTURE.DECLINED', ['capture', 'failed']],
  ['PAYMENT.CAPTURE.DENIED', ['capture', 'failed']],
  ['PAYMENT.CAPTURE.REFUNDED', ['refund', 'refunded']],
  ['PAYMENT.REFUND.FAILED', ['refund', 'refund_failed']],
  ['PAYMENT.SALE.PENDING', ['capture', 'pending']],
  ['PAYMENT.SALE.COMPLETED', ['capture', 'captured']],
  ['PAYMENT.SALE.DENIED', ['capture', 'failed']],
  ['PAYMENT.SALE.REFUNDED', ['refund', 'refunded']],
])

/** PayPal took captured money back, often for a dispute that tells of it too: which of the two counts, a person decides. */
const TAKEN_BACK: ReadonlySet<string> = new Set(['PAYMENT.CAPTURE.REVERSED', 'PAYMENT.SALE.REVERSED'])

/** What an event says, whether a delivery brought it or the API. */
export function readFact(type: string, resource: unknown): Reading {
  if (TAKEN_BACK.has(type)) return held('capture_failed')
  const event = EVENTS.get(type)
  const isDispute = type.startsWith('CUSTOMER.DISPUTE.')
  const payout = PAYPAL_PAYOUTS.get(type)
  if (event === undefined && payout === undefined && !isDispute) return NOTHING
  if (!isObject(resource)) return held('object_unreadable')
  if (payout !== undefined) return readPayout(payout, resource)
  if (event === undefined) return readDispute(type, resource)
  const [on, kind] = event
  return completeFact({
    kind,
    merchantRef: merchantRefOf(resource),
    gatewayRef: on === 'capture' ? resource.id : capturedIn(resource),
    operationRef: resource.id,
    ...moneyOf(on === 'refund' ? unsigned(resource.amount) : resource.amount),
  })
}

/** v1 writes some refunds as what they take away: `-0.01`. */
function unsigned(amount: unknown): unknown {
  if (!isObject(amount) || typeof amount.total !== 'string') return amount
  return { ...amount, total: amount.total.replace(/^-/, '') }
}

/** One item of a batch; `sender_item_id` is ours. */
function readPayout(kind: PayoutKind, resource: JsonObject): Reading {
  const item = isObject(resource.payout_item) ? resource.payout_item : {}
  return completePayout({
    kind,
    merchantRef: item.sender_item_id,
    payoutRef: resource.payout_item_id,
    ...moneyOf(item.amount),
  })
}

/** Our own reference is `custom_id` where we gave one, and the number of our invoice otherwise; v1 names them `custom` and so on. */
function merchantRefOf(object: JsonObject): unknown {
  const given = [object.custom_id, object.custom, object.invoice_id, object.invoice_number]
  return given.find((one) => one !== undefined && one !== null && one !== '') ?? null
}

/** The capture of a refund: by its link `up` in v2, by name in v1. */
function capturedIn(refund: JsonObject): unknown {
  if (isIdentifier(refund.capture_id)) return refund.capture_id
  if (isIdentifier(refund.sale_id)) return refund.sale_id
  const links = Array.isArray(refund.links) ? refund.links.filter(isObject) : []
  const up = links.find(({ rel }) => rel === 'up')?.href
  return typeof up === 'string' ? (CAPTURE_LINK.exec(up)?.[1] ?? null) : null
}

const CAPTURE_LINK = /\/v2\/payments\/captures\/([\w-]{1,64})$/

/** An inquiry is talk between the customer and us: no money is withdrawn before it becomes a claim. */
const CLAIMS: ReadonlySet<unknown> = new Set(['CHARGEBACK', 'PRE_ARBITRATION', 'ARBITRATION', undefined])

const OUTCOMES: ReadonlyMap<unknown, FactKind> = new Map([
  ['RESOLVED_BUYER_FAVOUR', 'dispute_lost'],
  ['ACCEPTED', 'dispute_lost'],
  ['RESOLVED_SELLER_FAVOUR', 'dispute_won'],
  ['RESOLVED_WITH_PAYOUT', 'dispute_won'],
  ['CANCELED_BY_BUYER', 'dispute_won'],
  ['DENIED', 'dispute_won'],
])

/** What ends as an inquiry has withdrawn nothing either: what we gave back for it is told as the refund that it was. */
function readDispute(type: string, dispute: JsonObject): Reading {
  if (!CLAIMS.has(dispute.dispute_life_cycle_stage)) return NOTHING
  if (type !== 'CUSTOMER.DISPUTE.RESOLVED') return disputed('disputed', dispute)
  const outcome = isObject(dispute.dispute_outcome) ? dispute.dispute_outcome : {}
  const kind = OUTCOMES.get(outcome.outcome_code)
  if (kind === undefined) return held('status_unknown')
  const isPart =
    isObject(outcome.amount_refunded) && !isSameMoney(outcome.amount_refunded, dispute.dispute_amount)
  return kind === 'dispute_lost' && isPart ? held('status_contradictory') : disputed(kind, dispute)
}

function isSameMoney(one: unknown, other: unknown): boolean {
  const [a, b] = [moneyOf(one), moneyOf(other)]
  return a.amountMinor === b.amountMinor && a.currency === b.currency
}

/** A dispute of several captures says of none how much of it is disputed. */
function disputed(kind: FactKind, dispute: JsonObject): Reading {
  const captures = Array.isArray(dispute.disputed_transactions) ? dispute.disputed_transactions : []
  const [capture] = captures
  if (captures.length !== 1 || !isObject(capture)) return held('reference_unreadable')
  return completeFact({
    kind,
    merchantRef: merchantRefOf(capture),
    gatewayRef: capture.seller_transaction_id,
    operationRef: dispute.dispute_id,
    ...moneyOf(dispute.dispute_amount),
  })
}

/** Decimals as text: `{ currency_code, value }` in v2, `{ currency, total }` in v1. */
function moneyOf(amount: unknown): Pick<FactDraft, 'amountMinor' | 'currency'> {
  if (!isObject(amount)) return { amountMinor: null, currency: null }
  const currency = amount.currency_code ?? amount.currency
  return { amountMinor: amountOf(amount.value ?? amount.total, currency), currency }
}

/** v1 writes `12.00` of a currency that PayPal counts whole; a fraction of one is no amount of PayPal's. */
function amountOf(value: unknown, currency: unknown): bigint | null {
  if (typeof value !== 'string' || typeof currency !== 'string') return null
  const exponent = PAYPAL_EXPONENTS.get(currency)
  if (exponent === undefined) return majorUnits(value, currency)
  return minorUnitsOfText(value.replace(/\.0+$/, ''), currency, PAYPAL_EXPONENTS)
}
