import type { FactKind } from '../../payments/fact.ts'
import { DECISIVE_FIELDS, type Delivery, type GatewayAdapter, type GatewayEvent } from './adapter.ts'
import { majorUnits } from './kit/amount.ts'
import { dateOfText, identifierText, isIdentifier, isObject, type JsonObject, wordOf } from './kit/body.ts'
import { type HeaderHmac, receiveSignedJson, unreadable } from './kit/raw-hmac.ts'
import { completeFact, held, NOTHING, type Reading } from './kit/verdict.ts'

/** The key is the app's client secret, or the one shown below the shop's webhooks. */
export const SHOPIFY_SIGNATURE: HeaderHmac = {
  header: 'X-Shopify-Hmac-SHA256',
  hash: 'sha256',
  encoding: 'base64',
}

/**
 * Shopify, https://shopify.dev/docs/apps/build/webhooks: `X-Shopify-Hmac-SHA256` signs the whole body and no other header.
 * So the topic, the shop and the ids in the headers may be anybody's: what an event is about follows from its body alone.
 */
export const shopify: GatewayAdapter = {
  name: 'shopify',
  about: {
    title: 'Shopify',
    source: 'https://shopify.dev/docs/apps/build/webhooks',
    signature:
      'HMAC-SHA256 base64 of the body in `X-Shopify-Hmac-SHA256`; the topic and the ids beside it are unsigned',
    eventId: "the kind of the object, its id and its state, all from the body (Shopify's own id is unsigned)",
  },
  tier: 'A',
  confirmFirst: false,
  secretForm: 'text',
  receive: (delivery, account) =>
    receiveSignedJson(delivery, account, SHOPIFY_SIGNATURE, (body, signature) =>
      readEvents(body, signature, gatewayEventIdOf(delivery)),
    ),
}

/** For people only: it is unsigned, and a replay may bear any. */
function gatewayEventIdOf({ headers }: Delivery): { gatewayEventId?: string } {
  const id = headers['x-shopify-event-id'] ?? headers['x-shopify-webhook-id']
  return isIdentifier(id) && /^[\x21-\x7e]+$/.test(id) ? { gatewayEventId: id } : {}
}

/** No refund of an order has more; each of its transactions is an event. */
const MAX_TRANSACTIONS = 100

interface Own {
  /** What stands for the event where Shopify's own id would. */
  readonly eventId: string
  readonly type: string
  readonly at: unknown
}

function readEvents(body: JsonObject, signature: string, ids: { gatewayEventId?: string }): GatewayEvent[] {
  const event = ({ eventId, type, at }: Own, reading: Reading): GatewayEvent => ({
    eventId: isIdentifier(eventId) ? eventId : `signature:${signature}`,
    ...ids,
    type: isIdentifier(type) ? type : 'unknown',
    occurredAt: dateOfText(at),
    signed: DECISIVE_FIELDS,
    ...reading,
  })
  const id = identifierText(body.id)
  if (id === null) return [unreadable(signature)]
  if (isDispute(body)) {
    const type = `dispute.${wordOf(body.status)}`
    const at = body.finalized_on ?? body.initiated_at
    return [
      event(
        { eventId: `dispute:${id}:${wordOf(body.type)}:${wordOf(body.status)}`, type, at },
        readDispute(body),
      ),
    ]
  }
  if (isRefund(body)) return readRefund(body, id, event)
  if ('financial_status' in body) {
    const type = `order.${wordOf(body.financial_status)}`
    const own = { eventId: `order:${id}:${wordOf(body.financial_status)}`, type, at: body.updated_at }
    return [event(own, readOrder(body)), ...readRefundsOf(body, id, event)]
  }
  return [event({ eventId: `signature:${signature}`, type: 'other', at: body.created_at }, NOTHING)]
}

function isRefund(body: JsonObject): boolean {
  return Array.isArray(body.transactions) && Array.isArray(body.refund_line_items) && 'order_id' in body
}

function isDispute(body: JsonObject): boolean {
  return (
    (body.type === 'chargeback' || body.type === 'inquiry') && 'order_id' in body && 'evidence_due_by' in body
  )
}

/** Refunds are told by themselves, so that what an order became after one says nothing new. */
const ORDERS: ReadonlyMap<unknown, FactKind | null> = new Map<unknown, FactKind | null>([
  ['pending', 'pending'],
  ['authorized', 'authorized'],
  ['paid', 'captured'],
  ['voided', 'cancelled'],
  ['expired', 'expired'],
  ['partially_paid', null],
  ['partially_refunded', null],
  ['refunded', null],
  [null, null],
])

/** `total_price` is what the customer owed when he ordered: neither an edit nor a refund changes it. */
function readOrder(order: JsonObject): Reading {
  const status = order.financial_status
  const kind = ORDERS.get(status)
  if (kind === undefined) return held('status_unknown')
  if (kind === null) return NOTHING
  // The bogus gateway of a development shop moves no money, and signs with the same secret.
  if (order.test === true) return held('test_payment')
  const amountMinor = majorUnits(order.total_price, order.currency)
  if (amountMinor === 0n) return NOTHING
  return completeFact({
    kind,
    merchantRef: null,
    gatewayRef: identifierText(order.id),
    operationRef: identifierText(order.id),
    amountMinor,
    currency: order.currency,
  })
}

/** More than any order has. */
const MAX_REFUNDS = 500

/**
 * `refunds/create` comes once, when a refund may still be waiting; that it is done only its order tells, by the next `orders/updated`. What
 * an order repeats has the same event ids.
 */
function readRefundsOf(
  order: JsonObject,
  orderId: string,
  event: (own: Own, reading: Reading) => GatewayEvent,
): GatewayEvent[] {
  const refunds = Array.isArray(order.refunds) ? order.refunds.filter(isObject) : []
  if (refunds.length > MAX_REFUNDS) {
    const own = { eventId: `refunds:${orderId}`, type: 'refund', at: order.updated_at }
    return [event(own, held('object_unreadable'))]
  }
  return refunds.flatMap((refund) => {
    const id = identifierText(refund.id)
    if (id === null || !Array.isArray(refund.transactions)) return []
    const told = readRefund({ ...refund, order_id: orderId }, id, event)
    return told.filter(({ fact, hold }) => fact !== null || hold !== null)
  })
}

/** A refund is paid back by transactions, each with its own outcome; without any it only puts goods back. */
function readRefund(
  refund: JsonObject,
  id: string,
  event: (own: Own, reading: Reading) => GatewayEvent,
): GatewayEvent[] {
  const transactions = (refund.transactions as readonly unknown[]).filter(
    (one): one is JsonObject => isObject(one) && one.kind === 'refund',
  )
  const at = refund.processed_at ?? refund.created_at
  const whole = { eventId: `refund:${id}`, type: 'refund', at }
  if (transactions.length > MAX_TRANSACTIONS) return [event(whole, held('object_unreadable'))]
  if (transactions.length === 0) return [event(whole, NOTHING)]
  return transactions.map((transaction, index) => {
    const key = identifierText(transaction.id) ?? `${id}#${index}`
    const status = wordOf(transaction.status)
    return event(
      { eventId: `refund:${key}:${status}`, type: `refund.${status}`, at },
      readTransaction(refund, transaction),
    )
  })
}

function readTransaction(refund: JsonObject, transaction: JsonObject): Reading {
  const { status, currency } = transaction
  const kind = status === 'success' ? 'refunded' : isFailure(status) ? 'refund_failed' : null
  if (kind === null) return NOTHING
  if (transaction.test === true) return held('test_payment')
  return completeFact({
    kind,
    merchantRef: null,
    gatewayRef: identifierText(refund.order_id),
    operationRef: identifierText(transaction.id),
    amountMinor: majorUnits(transaction.amount, currency),
    currency,
  })
}

function isFailure(status: unknown): boolean {
  return status === 'failure' || status === 'error'
}

const DISPUTES: ReadonlyMap<unknown, FactKind> = new Map<unknown, FactKind>([
  ['needs_response', 'disputed'],
  ['under_review', 'disputed'],
  ['won', 'dispute_won'],
  ['lost', 'dispute_lost'],
  ['accepted', 'dispute_lost'],
])

/** An inquiry is a question of the bank and withdraws nothing; as a chargeback it comes again, with the same id. */
function readDispute(dispute: JsonObject): Reading {
  if (dispute.type === 'inquiry') return NOTHING
  // It ended with a refund of ours, which is told by itself; whether the withheld money came back before it, nobody says.
  if (dispute.status === 'charge_refunded') return held('event_unknown')
  const kind = DISPUTES.get(dispute.status)
  if (kind === undefined) return held('status_unknown')
  return completeFact({
    kind,
    merchantRef: null,
    gatewayRef: identifierText(dispute.order_id),
    operationRef: identifierText(dispute.id),
    amountMinor: majorUnits(dispute.amount, dispute.currency),
    currency: dispute.currency,
  })
}
