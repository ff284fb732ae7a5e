import { CHECKOUTCOM_EXPONENTS, CHECKOUTCOM_SIGNATURE } from '../checkoutcom.ts'
import { gatewayUnits } from '../kit/amount.ts'
import { signHeaderHmac } from '../kit/raw-hmac.ts'
import {
  type GatewaySample,
  jsonBody,
  kindsOf,
  type SampleSpec,
  type SignedSample,
  type Words,
  wordsFor,
} from './sample.ts'

const TYPES: Words<string> = {
  pending: 'payment_pending',
  authorized: 'payment_approved',
  captured: 'payment_captured',
  failed: 'payment_declined',
  cancelled: 'payment_voided',
  expired: 'payment_expired',
  refunded: 'payment_refunded',
  refund_failed: 'payment_refund_declined',
  disputed: 'dispute_evidence_required',
  dispute_won: 'dispute_won',
  dispute_lost: 'dispute_lost',
  payout_paid: 'payment_paid',
  payout_returned: 'payment_returned',
}

export const checkoutcomSample: GatewaySample = { kinds: kindsOf(TYPES), currency: 'KWD', build, sign }

function build(spec: SampleSpec): SignedSample {
  const type = wordsFor(TYPES, spec.kind)
  const { merchantRef, operationRef, currency } = spec
  const paymentId = spec.gatewayRef ?? `pay_${merchantRef}`
  const amount = gatewayUnits(spec.amountMinor, currency, CHECKOUTCOM_EXPONENTS)
  const at = new Date(spec.nowMs).toISOString()
  const payment = {
    id: spec.kind.startsWith('payout_') ? operationRef : paymentId,
    action_id: operationRef,
    reference: merchantRef,
    amount,
    currency,
    processed_on: at,
    response_code: '10000',
  }
  const dispute = {
    id: operationRef,
    date: at,
    amount,
    currency,
    reason_code: '10.4',
    payment_id: paymentId,
    payment_reference: merchantRef,
  }
  const id = spec.eventId ?? `evt_${operationRef}_${spec.kind}`
  const data = type.startsWith('dispute_') ? dispute : payment
  return sign(jsonBody({ id, type, timestamp: at, data }, spec.bodyBytes), spec)
}

function sign(body: Buffer, { secret }: SampleSpec): SignedSample {
  return { headers: { 'cko-signature': signHeaderHmac(body, secret, CHECKOUTCOM_SIGNATURE) }, body }
}
