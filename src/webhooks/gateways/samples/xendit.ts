import { minorToDecimal } from '../../../base/money.ts'
import {
  type GatewaySample,
  jsonBody,
  kindsOf,
  type SampleSpec,
  type SignedSample,
  type Words,
  wordsFor,
} from './sample.ts'

const EVENTS: Words<readonly [event: string, status: string]> = {
  pending: ['payment.pending', 'PENDING'],
  authorized: ['payment.awaiting_capture', 'AWAITING_CAPTURE'],
  captured: ['payment.succeeded', 'SUCCEEDED'],
  failed: ['payment.failed', 'FAILED'],
  expired: ['payment.expired', 'EXPIRED'],
  refunded: ['refund.succeeded', 'SUCCEEDED'],
  refund_failed: ['refund.failed', 'FAILED'],
  payout_created: ['payout.accepted', 'ACCEPTED'],
  payout_paid: ['payout.succeeded', 'SUCCEEDED'],
  payout_failed: ['payout.failed', 'FAILED'],
  payout_returned: ['payout.reversed', 'REVERSED'],
}

export const xenditSample: GatewaySample = {
  kinds: kindsOf(EVENTS),
  currency: 'IDR',
  unsignedHeaders: ['webhook-id'],
  build,
  sign,
}

function build(spec: SampleSpec): SignedSample {
  const [event, status] = wordsFor(EVENTS, spec.kind)
  const { merchantRef, operationRef, currency } = spec
  const request = spec.gatewayRef ?? merchantRef
  const amount = Number(minorToDecimal(spec.amountMinor, currency))
  const isRefund = event.startsWith('refund.')
  const reference_id = isRefund ? operationRef : merchantRef
  const ids = { id: operationRef, payment_request_id: request, reference_id }
  const data = { ...ids, amount, currency, status }
  const created = new Date(spec.nowMs).toISOString()
  return sign(jsonBody({ event, business_id: 'sample', created, data }, spec.bodyBytes), spec)
}

function sign(body: Buffer, { secret, eventId, operationRef, kind }: SampleSpec): SignedSample {
  return { headers: { 'x-callback-token': secret, 'webhook-id': eventId ?? `${operationRef}-${kind}` }, body }
}
