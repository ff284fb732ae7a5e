import { createHmac, type KeyObject } from 'node:crypto'
import Stripe from 'stripe'
import type { FactKind } from '../../payments/fact.ts'
import {
  DECISIVE_FIELDS,
  type Delivery,
  type GatewayAccount,
  type GatewayAdapter,
  type Received,
} from './adapter.ts'
import { type Exponents, minorUnits } from './kit/amount.ts'
import { dateOfSeconds, isIdentifier, isObject, type JsonObject, parseObject } from './kit/body.ts'
import { isFresh } from './kit/clock.ts'
import { findSecret } from './kit/signature.ts'
import { accepted, completeFact, held, NOTHING, type Reading, refused } from './kit/verdict.ts'

/** The age that Stripe's own libraries allow; here it bounds the future as well. */
const TOLERANCE_SECONDS = 300

/** A genuine header holds a timestamp and a few signatures of 64 characters. */
const MAX_HEADER_CHARS = 1024

const TIMESTAMP = /^\d{1,12}$/

/** Stripe, https://docs.stripe.com/webhooks: `Stripe-Signature` signs the timestamp and the whole body. */
export const stripe: GatewayAdapter = {
  name: 'stripe',
  about: {
    title: 'Stripe',
    source: 'https://docs.stripe.com/webhooks',
    signature: 'HMAC-SHA256 hex of `<t>.<body>` in `Stripe-Signature`, any `v1`, within 300 s',
    eventId: '`id`',
  },
  tier: 'A',
  confirmFirst: false,
  secretForm: 'whsec',
  toleranceSeconds: TOLERANCE_SECONDS,
  receive,
}

function receive(delivery: Delivery, account: GatewayAccount, nowMs: number | null): Received {
  const header = delivery.headers['stripe-signature']
  if (header === undefined || header === '') return refused('signature_missing', 'no Stripe-Signature header')
  const timestamp = readTimestamp(header)
  if (timestamp === null) return refused('signature_invalid', 'Stripe-Signature holds no single timestamp')

  const hmac = new RawBodyHmac(delivery.body)
  const secretIndex = findSecret(account, (key, secret) => verify(header, secret, hmac.with(key)))
  if (secretIndex < 0) return refused('signature_invalid', 'no v1 signature matches an active secret')
  if (!isFresh(timestamp, nowMs, TOLERANCE_SECONDS)) {
    return refused('signature_expired', 'the timestamp is more than 300 s away')
  }
  return readEvent(delivery.body, secretIndex, hmac.latest)
}

/** The one `t=` of the header, in seconds. Two of them (a header sent twice) leave open which one is judged. */
function readTimestamp(header: string): number | null {
  if (header.length > MAX_HEADER_CHARS) return null
  const start = header.indexOf('t=')
  if (start < 0 || header.lastIndexOf('t=') !== start) return null
  const end = header.indexOf(',', start)
  const digits = header.slice(start + 't='.length, end < 0 ? undefined : end)
  return TIMESTAMP.test(digits) ? Number(digits) : null
}

/**
 * Stands for the payload in Stripe's verification, whose bytes `RawBodyHmac` reads itself. So the library neither decodes
 * the body nor copies it into its errors.
 */
const PAYLOAD_IS_RAW = 'raw'

/**
 * Stripe's own verification: it picks the v1 signatures out of the header and compares each in constant time. Its check
 * of age (off with tolerance 0) knows only the past, so `receive` judges both directions.
 */
function verify(header: string, secret: string, hmac: RawBodyHmac): boolean {
  const noCheckOfAge = 0
  try {
    return (
      Stripe.webhooks.signature?.verifyHeader(PAYLOAD_IS_RAW, header, secret, noCheckOfAge, hmac) ?? false
    )
  } catch {
    return false
  }
}

/**
 * Computes the HMAC for Stripe's verification over the bytes that came in. By itself the library signs the decoded text,
 * in which a byte order mark is gone and every invalid byte looks alike.
 */
class RawBodyHmac extends Stripe.CryptoProvider {
  readonly #body: Buffer
  #key: KeyObject | null = null
  /** The last signature computed; after a match, the one that matched. */
  latest = ''

  constructor(body: Buffer) {
    super()
    this.#body = body
  }

  with(key: KeyObject): this {
    this.#key = key
    return this
  }

  override computeHMACSignature(payload: string, secret: string): string {
    const timestampAndDot = payload.slice(0, -PAYLOAD_IS_RAW.length)
    const hmac = createHmac('sha256', this.#key ?? secret)
    this.latest = hmac.update(timestampAndDot).update(this.#body).digest('hex')
    return this.latest
  }
}

function readEvent(body: Buffer, secretIndex: number, signature: string): Received {
  const event = parseObject(body)
  if (event === null) return refused('malformed_body', 'the body is not a JSON object')
  const { id, type } = event
  if (id === undefined || id === null || id === '') return refused('event_id_missing', 'id is missing')
  if (!isIdentifier(id)) return refused('malformed_body', 'id is not a text of at most 255 bytes')
  if (!isIdentifier(type)) return refused('malformed_body', 'type is not a text of at most 255 bytes')

  return accepted(secretIndex, signature, {
    eventId: id,
    type,
    occurredAt: dateOfSeconds(event.created),
    signed: DECISIVE_FIELDS,
    ...readFact(type, isObject(event.data) ? event.data.object : null),
  })
}

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
    default:
      return NOTHING
  }
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
  if (kind === null) return NOTHING
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
const STRIPE_EXPONENTS: Exponents = new Map([
  ['ISK', 2],
  ['UGX', 2],
  ['MGA', 0],
])

function moneyOf(object: JsonObject, amountField: string) {
  const currency = typeof object.currency === 'string' ? object.currency.toUpperCase() : null
  return { amountMinor: minorUnits(object[amountField], currency, STRIPE_EXPONENTS), currency }
}
