import { signHeaderHmac } from '../kit/raw-hmac.ts'
import { RAZORPAY_SIGNATURE } from '../razorpay.ts'
import {
  type GatewaySample,
  jsonBody,
  kindsOf,
  type SampleSpec,
  type SignedSample,
  type Words,
  wordsFor,
} from './sample.ts'

const EVENTS: Words<readonly [event: string, entity: string, status: string]> = {
  authorized: ['payment.authorized', 'payment', 'authorized'],
  captured: ['payment.captured', 'payment', 'captured'],
  failed: ['payment.failed', 'payment', 'failed'],
  refunded: ['refund.processed', 'refund', 'processed'],
  refund_failed: ['refund.failed', 'refund', 'failed'],
  disputed: ['payment.dispute.created', 'dispute', 'open'],
  dispute_won: ['payment.dispute.won', 'dispute', 'won'],
  dispute_lost: ['payment.dispute.lost', 'dispute', 'lost'],
  payout_created: ['payout.initiated', 'payout', 'processing'],
  payout_paid: ['payout.processed', 'payout', 'processed'],
  payout_failed: ['payout.failed', 'payout', 'failed'],
  payout_returned: ['payout.reversed', 'payout', 'reversed'],
}

export const razorpaySample: GatewaySample = {
  kinds: kindsOf(EVENTS),
  currency: 'INR',
  unsignedHeaders: ['x-razorpay-event-id'],
  build,
  sign,
}

function build(spec: SampleSpec): SignedSample {
  const [event, name, status] = wordsFor(EVENTS, spec.kind)
  const { merchantRef, operationRef, currency } = spec
  const amount = Number(spec.amountMinor)
  const isPayment = name === 'payment'
  const payment = {
    id: isPayment ? operationRef : `pay_${merchantRef}`,
    entity: 'payment',
    amount,
    currency,
    status: isPayment ? status : 'captured',
    order_id: spec.gatewayRef ?? merchantRef,
    method: 'upi',
    amount_refunded: 0,
    refund_status: null,
    captured: spec.kind !== 'authorized' && spec.kind !== 'failed',
    notes: { merchant_ref: merchantRef },
  }
  const other = { id: operationRef, entity: name, amount, currency, payment_id: payment.id, status }
  const payout = { id: operationRef, entity: name, amount, currency, status, reference_id: merchantRef }
  const payload =
    name === 'payout'
      ? { payout: { entity: payout } }
      : { ...(!isPayment && { [name]: { entity: other } }), payment: { entity: payment } }
  const contains = Object.keys(payload)
  const created_at = Math.floor(spec.nowMs / 1000)
  const body = { entity: 'event', account_id: 'acc_sample', event, contains, payload, created_at }
  return sign(jsonBody(body, spec.bodyBytes), spec)
}

function sign(body: Buffer, { secret, eventId, kind, operationRef }: SampleSpec): SignedSample {
  return {
    headers: {
      'x-razorpay-signature': signHeaderHmac(body, secret, RAZORPAY_SIGNATURE),
      'x-razorpay-event-id': eventId ?? `${operationRef}-${kind}`,
    },
    body,
  }
}
