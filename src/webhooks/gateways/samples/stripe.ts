import { createHmac } from 'node:crypto'
import type { EventKind } from '../../../payments/fact.ts'
import { gatewayUnits } from '../kit/amount.ts'
import type { JsonObject } from '../kit/body.ts'
import { STRIPE_EXPONENTS } from '../stripe-facts.ts'
import {
  type GatewaySample,
  jsonBody,
  kindsOf,
  type SampleSpec,
  type SignedSample,
  wordsFor,
} from './sample.ts'

const STRIPE_EVENTS: Readonly<Partial<Record<EventKind, readonly [type: string, status: string]>>> = {
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
  payout_created: ['payout.created', 'pending'],
  payout_paid: ['payout.paid', 'paid'],
  payout_failed: ['payout.failed', 'failed'],
}

export const stripeSample: GatewaySample = { kinds: kindsOf(STRIPE_EVENTS), currency: 'EGP', build, sign }

function build(spec: SampleSpec): SignedSample {
  const [type, status] = wordsFor(STRIPE_EVENTS, spec.kind)
  const isIntent = type.startsWith('payment_intent.')
  const intentId = spec.gatewayRef ?? `pi_${spec.merchantRef}`
  const amount = gatewayUnits(spec.amountMinor, spec.currency, STRIPE_EXPONENTS)
  const object = {
    id: isIntent ? intentId : spec.operationRef,
    object: isIntent ? 'payment_intent' : type.slice(0, type.lastIndexOf('.')).replace('charge.', ''),
    amount,
    ...(isIntent
      ? intentAmounts(spec.kind, amount)
      : !type.startsWith('payout.') && { payment_intent: intentId }),
    ...(isIntent && { latest_charge: spec.operationRef }),
    currency: spec.currency.toLowerCase(),
    metadata: { merchant_ref: spec.merchantRef },
    status,
  }
  const seconds = Math.floor(spec.nowMs / 1000)
  const id = spec.eventId ?? `evt_${spec.operationRef}_${spec.kind}`
  const event = { id, object: 'event', created: seconds, livemode: false, type, data: { object } }
  return sign(jsonBody(event, spec.bodyBytes), spec)
}

function sign(body: Buffer, { nowMs, secret }: SampleSpec): SignedSample {
  return { headers: { 'stripe-signature': signStripe(body, Math.floor(nowMs / 1000), secret) }, body }
}

function intentAmounts(kind: EventKind, amount: number): JsonObject {
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
