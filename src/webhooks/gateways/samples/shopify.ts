import { minorToDecimal } from '../../../base/money.ts'
import { signHeaderHmac } from '../kit/raw-hmac.ts'
import { SHOPIFY_SIGNATURE } from '../shopify.ts'
import {
  type GatewaySample,
  jsonBody,
  kindsOf,
  type SampleSpec,
  type SignedSample,
  type Words,
  wordsFor,
} from './sample.ts'

const WORDS: Words<readonly [topic: string, status: string]> = {
  pending: ['orders/create', 'pending'],
  authorized: ['orders/create', 'authorized'],
  captured: ['orders/paid', 'paid'],
  cancelled: ['orders/cancelled', 'voided'],
  expired: ['orders/updated', 'expired'],
  refunded: ['refunds/create', 'success'],
  refund_failed: ['refunds/create', 'failure'],
  disputed: ['disputes/create', 'needs_response'],
  dispute_won: ['disputes/update', 'won'],
  dispute_lost: ['disputes/update', 'lost'],
}

export const shopifySample: GatewaySample = {
  kinds: kindsOf(WORDS),
  currency: 'USD',
  unsignedHeaders: ['x-shopify-topic', 'x-shopify-event-id', 'x-shopify-webhook-id', 'x-shopify-shop-domain'],
  build,
  sign,
}

function build(spec: SampleSpec): SignedSample {
  const [topic, status] = wordsFor(WORDS, spec.kind)
  const { operationRef, currency } = spec
  const orderId = spec.gatewayRef ?? spec.merchantRef
  const amount = minorToDecimal(spec.amountMinor, currency)
  const at = new Date(spec.nowMs).toISOString()
  const order = {
    id: orderId,
    admin_graphql_api_id: `gid://shopify/Order/${orderId}`,
    created_at: at,
    currency,
    current_total_price: amount,
    financial_status: status,
    test: false,
    total_price: amount,
    updated_at: at,
  }
  const refund = {
    id: `refund-${operationRef}`,
    order_id: orderId,
    created_at: at,
    processed_at: at,
    refund_line_items: [],
    transactions: [
      { id: operationRef, order_id: orderId, kind: 'refund', status, amount, currency, test: false },
    ],
  }
  const dispute = {
    id: operationRef,
    order_id: orderId,
    type: 'chargeback',
    amount,
    currency,
    reason: 'fraudulent',
    status,
    evidence_due_by: at,
    initiated_at: at,
  }
  const body = topic.startsWith('refunds') ? refund : topic.startsWith('disputes') ? dispute : order
  const signed = sign(jsonBody(body, spec.bodyBytes), spec)
  const id = spec.eventId ?? `${operationRef}-${spec.kind}`
  const unsigned = {
    'x-shopify-topic': topic,
    'x-shopify-event-id': id,
    'x-shopify-webhook-id': id,
    'x-shopify-shop-domain': 'example.myshopify.com',
  }
  return { ...signed, headers: { ...unsigned, ...signed.headers } }
}

function sign(body: Buffer, { secret }: SampleSpec): SignedSample {
  return { headers: { 'x-shopify-hmac-sha256': signHeaderHmac(body, secret, SHOPIFY_SIGNATURE) }, body }
}
