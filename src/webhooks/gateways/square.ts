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
import { dateOfText, isIdentifier, isObject, type JsonObject } from './kit/body.ts'
import { type HeaderHmac, receiveSignedJson, unreadable } from './kit/raw-hmac.ts'
import { completeFact, held, NOTHING, type Reading, refused } from './kit/verdict.ts'
import { readSquarePayout } from './payouts/square.ts'

/** What stands before the body is the URL of the subscription, character for character. */
export function squareSignature(publicUrl: string): HeaderHmac {
  return { header: 'x-square-hmacsha256-signature', hash: 'sha256', encoding: 'base64', before: publicUrl }
}

/**
 * Square, https://developer.squareup.com/docs/webhooks/step3validate: the signature covers the URL to which the subscription
 * posts and the whole body. Behind a proxy that is not the URL that arrives here, so it is configured, and no header of the
 * request has a say in it.
 */
export const square: GatewayAdapter = {
  name: 'square',
  about: {
    title: 'Square',
    source: 'https://developer.squareup.com/docs/webhooks/step3validate',
    signature: 'HMAC-SHA256 base64 of the public URL and the body in `x-square-hmacsha256-signature`',
    eventId: '`event_id`',
  },
  tier: 'A',
  confirmFirst: false,
  secretForm: 'text',
  settings: [
    {
      name: 'PUBLIC_URL',
      meaning: 'the notification URL of the subscription, exactly as the Developer Console shows it',
      needed: 'verify',
      development: 'http://127.0.0.1:3000/webhooks/square',
      problem: (value) => (isWebUrl(value) ? null : 'must be the http or https address of the subscription'),
    },
    {
      name: 'MERCHANT_ID',
      meaning:
        "the seller's id: events of another seller of the same application are held; not set: all are taken",
    },
  ],
  receive,
}

function isWebUrl(value: string): boolean {
  const protocol = URL.parse(value.trim())?.protocol
  return protocol === 'https:' || protocol === 'http:'
}

function receive(delivery: Delivery, account: GatewayAccount): Received {
  const url = account.settings.PUBLIC_URL?.trim()
  if (url === undefined || url === '')
    return refused('signature_invalid', 'PUBLIC_URL is not set, and the signature covers it')
  return receiveSignedJson(delivery, account, squareSignature(url), (body, signature) =>
    readEvent(body, signature, account.settings.MERCHANT_ID?.trim() ?? ''),
  )
}

/** The key is the subscription's, and signs for every seller that uses the application. `own` is ours, '' where any will do. */
function readEvent(body: JsonObject, signature: string, own: string): GatewayEvent {
  const { event_id: id, type, data } = body
  if (!isIdentifier(id) || !isIdentifier(type)) return unreadable(signature)
  return {
    eventId: id,
    type,
    occurredAt: dateOfText(body.created_at),
    signed: DECISIVE_FIELDS,
    ...(own !== '' && body.merchant_id !== own
      ? held('owner_mismatch')
      : readFact(type, isObject(data) ? data.object : null)),
  }
}

function readFact(type: string, object: unknown): Reading {
  switch (type) {
    case 'payment.created':
    case 'payment.updated':
      return readWith(readPayment, object, 'payment')
    case 'refund.created':
    case 'refund.updated':
      return readWith(readRefund, object, 'refund')
    case 'dispute.created':
    case 'dispute.state.changed':
    case 'dispute.state.updated':
      return readWith(readDispute, object, 'dispute')
    case 'payout.sent':
    case 'payout.paid':
    case 'payout.failed':
      return readSquarePayout(object)
    default:
      return NOTHING
  }
}

function readWith(read: (object: JsonObject) => Reading, parent: unknown, name: string): Reading {
  const object = isObject(parent) ? parent[name] : null
  return isObject(object) ? read(object) : held('object_unreadable')
}

const PAYMENTS: ReadonlyMap<unknown, FactKind> = new Map<unknown, FactKind>([
  ['PENDING', 'pending'],
  ['APPROVED', 'authorized'],
  ['COMPLETED', 'captured'],
  ['CANCELED', 'cancelled'],
  ['FAILED', 'failed'],
])

/** `payment.updated` comes for every change, a refund's too: the same state again names the same operation. */
function readPayment(payment: JsonObject): Reading {
  const kind = PAYMENTS.get(payment.status)
  if (kind === undefined) return held('status_unknown')
  const { reference_id: reference } = payment
  return completeFact({
    kind,
    merchantRef: reference === '' ? null : reference,
    gatewayRef: payment.id,
    operationRef: payment.id,
    // What the card pays: the amount and a tip.
    ...moneyOf(payment.total_money ?? payment.amount_money),
  })
}

/** A refund that is pending, or that the customer has to accept, has moved nothing yet. */
function readRefund(refund: JsonObject): Reading {
  const { status } = refund
  const isFailed = status === 'FAILED' || status === 'REJECTED'
  const kind = status === 'COMPLETED' ? 'refunded' : isFailed ? 'refund_failed' : null
  if (kind === null) return NOTHING
  return completeFact({
    kind,
    merchantRef: null,
    gatewayRef: refund.payment_id,
    operationRef: refund.id,
    ...moneyOf(refund.amount_money),
  })
}

/** An inquiry (`INQUIRY_…`) is a question of the bank and withdraws nothing. */
const DISPUTES: ReadonlyMap<unknown, FactKind> = new Map<unknown, FactKind>([
  ['EVIDENCE_REQUIRED', 'disputed'],
  ['PROCESSING', 'disputed'],
  ['WON', 'dispute_won'],
  ['LOST', 'dispute_lost'],
  ['ACCEPTED', 'dispute_lost'],
])

/** Older versions of the API call the dispute's own id `dispute_id`. */
function readDispute(dispute: JsonObject): Reading {
  const kind = DISPUTES.get(dispute.state)
  if (kind === undefined) return NOTHING
  const disputed = dispute.disputed_payment
  return completeFact({
    kind,
    merchantRef: null,
    gatewayRef: isObject(disputed) ? disputed.payment_id : null,
    operationRef: dispute.id ?? dispute.dispute_id,
    ...moneyOf(dispute.amount_money),
  })
}

/** Amounts are in the smallest unit of the currency. */
function moneyOf(money: unknown) {
  if (!isObject(money)) return { amountMinor: null, currency: null }
  return { amountMinor: minorUnits(money.amount, money.currency), currency: money.currency }
}
