import { createHmac, randomBytes } from 'node:crypto'
import { minorToDecimal } from '../../base/money.ts'
import type { FactKind } from '../../payments/fact.ts'
import type { JsonObject } from './body.ts'
import { signKashier } from './kashier.ts'
import { signPaymob } from './paymob.ts'
import { signStandardWebhooks } from './standard-webhooks.ts'

/**
 * Signed deliveries as the gateways send them: for tests, the demo, the benchmarks and the line to paste that is shown
 * at start. They are built only from public formats and a secret that the caller has.
 */
export const SAMPLE_GATEWAYS = ['stripe', 'kashier', 'paymob', 'standard-webhooks'] as const
export type SampleGateway = (typeof SAMPLE_GATEWAYS)[number]

export interface SampleSpec {
  readonly kind: FactKind
  readonly merchantRef: string
  /** Paymob finds the payment by this alone. Without it: `pi_<merchantRef>` for Stripe, else the merchantRef. */
  readonly gatewayRef?: string
  readonly operationRef: string
  /** Minor units by ISO 4217. Paymob's and Stripe's own units are the same except for ISK, UGX and MGA at Stripe. */
  readonly amountMinor: bigint
  readonly currency: string
  readonly nowMs: number
  readonly secret: string
  /** Kashier and Paymob have no event id of their own: theirs follows from operationRef and state. */
  readonly eventId?: string
  /** The account in the URL; none means the default one. */
  readonly account?: string
  /** Pads the body to at least this many bytes with a field that means nothing. */
  readonly bodyBytes?: number
}

export interface SampleDelivery {
  /** Path and query: `/webhooks/paymob?hmac=…`. */
  readonly path: string
  /** The query alone, without `?`; empty for most gateways. */
  readonly query: string
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** What `PAYMOB_OWNER` and `PAYMOB_INTEGRATION_IDS` must be for Paymob's samples to match, where they are set. */
export const SAMPLE_PAYMOB_OWNER = 12
export const SAMPLE_PAYMOB_INTEGRATION_ID = 1234

/**
 * Builds one signed delivery. Throws RangeError for a kind that the gateway cannot tell (Stripe `expired`, Kashier and
 * Paymob disputes), and for a secret that cannot sign.
 */
export function buildDelivery(gateway: SampleGateway, spec: SampleSpec): SampleDelivery {
  const { headers = {}, query = '', body } = SAMPLES[gateway](spec)
  const account = spec.account === undefined ? '' : `/${spec.account}`
  const path = `/webhooks/${gateway}${account}${query === '' ? '' : `?${query}`}`
  return { path, query, headers: { 'content-type': 'application/json', ...headers }, body }
}

/** A fresh random secret in the form that the gateway uses. */
export function newSecret(gateway: SampleGateway): string {
  switch (gateway) {
    case 'stripe':
      return `whsec_${randomBytes(16).toString('hex')}`
    case 'standard-webhooks':
      return `whsec_${randomBytes(32).toString('base64')}`
    case 'kashier':
    case 'paymob':
      return randomBytes(24).toString('hex')
    default:
      return gateway satisfies never
  }
}

interface Signed {
  readonly headers?: Record<string, string>
  readonly query?: string
  readonly body: Buffer
}

const SAMPLES: Readonly<Record<SampleGateway, (spec: SampleSpec) => Signed>> = {
  stripe: stripeSample,
  kashier: kashierSample,
  paymob: paymobSample,
  'standard-webhooks': standardWebhooksSample,
}

const STRIPE_EVENTS: Readonly<Partial<Record<FactKind, readonly [type: string, status: string]>>> = {
  pending: ['payment_intent.processing', 'processing'],
  authorized: ['payment_intent.amount_capturable_updated', 'requires_capture'],
  captured: ['payment_intent.succeeded', 'succeeded'],
  failed: ['payment_intent.payment_failed', 'requires_payment_method'],
  cancelled: ['payment_intent.canceled', 'canceled'],
  refunded: ['refund.updated', 'succeeded'],
  refund_failed: ['refund.failed', 'failed'],
  disputed: ['charge.dispute.created', 'needs_response'],
  dispute_won: ['charge.dispute.closed', 'won'],
  dispute_lost: ['charge.dispute.closed', 'lost'],
}

function stripeSample(spec: SampleSpec): Signed {
  const [type, status] = wordsFor(STRIPE_EVENTS, spec.kind)
  const isIntent = type.startsWith('payment_intent.')
  const intentId = spec.gatewayRef ?? `pi_${spec.merchantRef}`
  const amount = Number(spec.amountMinor)
  const object = {
    id: isIntent ? intentId : spec.operationRef,
    object: isIntent ? 'payment_intent' : type.slice(0, type.lastIndexOf('.')).replace('charge.', ''),
    amount,
    ...(isIntent ? intentAmounts(spec.kind, amount) : { payment_intent: intentId }),
    ...(isIntent && { latest_charge: spec.operationRef }),
    currency: spec.currency.toLowerCase(),
    metadata: { merchant_ref: spec.merchantRef },
    status,
  }
  const seconds = Math.floor(spec.nowMs / 1000)
  const id = spec.eventId ?? `evt_${spec.operationRef}_${spec.kind}`
  const event = { id, object: 'event', created: seconds, livemode: false, type, data: { object } }
  const body = jsonBody(event, spec.bodyBytes)
  return { headers: { 'stripe-signature': signStripe(body, seconds, spec.secret) }, body }
}

function intentAmounts(kind: FactKind, amount: number): JsonObject {
  return {
    amount_capturable: kind === 'authorized' ? amount : 0,
    amount_received: kind === 'captured' ? amount : 0,
  }
}

/** Signs a body as Stripe does: the value of `Stripe-Signature`. The key is the secret's own text, prefix and all. */
export function signStripe(body: Buffer, timestampSeconds: number, secret: string): string {
  const hex = createHmac('sha256', secret).update(`${timestampSeconds}.`).update(body).digest('hex')
  return `t=${timestampSeconds},v1=${hex}`
}

const KASHIER_EVENTS: Readonly<Partial<Record<FactKind, readonly [event: string, status: string]>>> = {
  pending: ['pay', 'PENDING'],
  authorized: ['authorize', 'SUCCESS'],
  captured: ['pay', 'SUCCESS'],
  failed: ['pay', 'FAILURE'],
  cancelled: ['pay', 'CANCELLED'],
  expired: ['pay', 'EXPIRED'],
  refunded: ['refund', 'SUCCESS'],
  refund_failed: ['refund', 'FAILURE'],
}

function kashierSample(spec: SampleSpec): Signed {
  const [event, status] = wordsFor(KASHIER_EVENTS, spec.kind)
  const fields = {
    amount: minorToDecimal(spec.amountMinor, spec.currency),
    channel: 'online | e-commerce',
    currency: spec.currency,
    kashierOrderId: spec.gatewayRef ?? spec.merchantRef,
    merchantOrderId: spec.merchantRef,
    method: 'card',
    status,
    transactionId: spec.operationRef,
  }
  const data = { ...fields, signatureKeys: Object.keys(fields) }
  const headers = { 'x-kashier-signature': signKashier(data, spec.secret) }
  return { headers, body: jsonBody({ event, data }, spec.bodyBytes) }
}

const PAYMOB_FLAGS: Readonly<Partial<Record<FactKind, JsonObject>>> = {
  pending: { pending: true },
  authorized: { success: true, is_auth: true },
  captured: { success: true, is_standalone_payment: true },
  failed: { success: false },
  cancelled: { success: true, is_voided: true },
  refunded: { success: true, has_parent_transaction: true, is_refund: true },
}

function paymobSample(spec: SampleSpec): Signed {
  const flags = wordsFor(PAYMOB_FLAGS, spec.kind)
  const obj = {
    id: spec.operationRef,
    amount_cents: Number(spec.amountMinor),
    created_at: new Date(spec.nowMs).toISOString(),
    currency: spec.currency,
    error_occured: false,
    has_parent_transaction: false,
    integration_id: SAMPLE_PAYMOB_INTEGRATION_ID,
    is_3d_secure: true,
    is_auth: false,
    is_capture: false,
    is_refunded: false,
    is_standalone_payment: false,
    is_voided: false,
    order: { id: spec.gatewayRef ?? spec.merchantRef, merchant_order_id: spec.merchantRef },
    owner: SAMPLE_PAYMOB_OWNER,
    pending: false,
    source_data: { pan: '1111', sub_type: 'Visa', type: 'card' },
    success: false,
    ...flags,
  }
  const query = `hmac=${signPaymob(obj, spec.secret)}`
  return { query, body: jsonBody({ type: 'TRANSACTION', obj }, spec.bodyBytes) }
}

function standardWebhooksSample(spec: SampleSpec): Signed {
  const { merchantRef, gatewayRef, operationRef, currency } = spec
  const data = { merchantRef, gatewayRef, operationRef, amountMinor: Number(spec.amountMinor), currency }
  const event = { type: `payment.${spec.kind}`, timestamp: new Date(spec.nowMs).toISOString(), data }
  const body = jsonBody(event, spec.bodyBytes)
  const id = spec.eventId ?? `msg_${operationRef}_${spec.kind}`
  const seconds = Math.floor(spec.nowMs / 1000)
  const signature = signStandardWebhooks(id, seconds, body, spec.secret)
  return {
    headers: { 'webhook-id': id, 'webhook-timestamp': String(seconds), 'webhook-signature': signature },
    body,
  }
}

function wordsFor<Words>(words: Readonly<Partial<Record<FactKind, Words>>>, kind: FactKind): Words {
  const found = words[kind]
  if (found === undefined) throw new RangeError(`this gateway has no event that means ${kind}`)
  return found
}

function jsonBody(value: JsonObject, bodyBytes = 0): Buffer {
  const body = Buffer.from(JSON.stringify(value))
  const overhead = Buffer.byteLength(',"filler":""')
  const missing = bodyBytes - body.length - overhead
  return missing <= 0 ? body : Buffer.from(JSON.stringify({ ...value, filler: 'x'.repeat(missing) }))
}
