import { signHeaderHmac } from '../kit/raw-hmac.ts'
import { squareSignature } from '../square.ts'
import {
  type GatewaySample,
  jsonBody,
  kindsOf,
  type SampleSpec,
  type SignedSample,
  type Words,
  wordsFor,
} from './sample.ts'

const WORDS: Words<readonly [type: string, state: string]> = {
  pending: ['payment.created', 'PENDING'],
  authorized: ['payment.created', 'APPROVED'],
  captured: ['payment.updated', 'COMPLETED'],
  failed: ['payment.updated', 'FAILED'],
  cancelled: ['payment.updated', 'CANCELED'],
  refunded: ['refund.updated', 'COMPLETED'],
  refund_failed: ['refund.updated', 'FAILED'],
  disputed: ['dispute.created', 'EVIDENCE_REQUIRED'],
  dispute_won: ['dispute.state.updated', 'WON'],
  dispute_lost: ['dispute.state.updated', 'LOST'],
  payout_created: ['payout.sent', 'SENT'],
  payout_paid: ['payout.paid', 'PAID'],
  payout_failed: ['payout.failed', 'FAILED'],
}

export const squareSample: GatewaySample = { kinds: kindsOf(WORDS), currency: 'USD', build, sign }

function build(spec: SampleSpec): SignedSample {
  const [type, state] = wordsFor(WORDS, spec.kind)
  const [name = ''] = type.split('.')
  const { operationRef, currency } = spec
  const paymentId = spec.gatewayRef ?? spec.operationRef
  const money = { amount: Number(spec.amountMinor), currency }
  const objects: Readonly<Record<string, unknown>> = {
    payment: {
      id: paymentId,
      status: state,
      reference_id: spec.merchantRef,
      amount_money: money,
      total_money: money,
      location_id: 'L1',
    },
    refund: { id: operationRef, payment_id: paymentId, status: state, amount_money: money },
    payout: {
      id: operationRef,
      status: state,
      location_id: 'L1',
      amount_money: { amount: money.amount, currency_code: currency },
    },
    dispute: { id: operationRef, state, amount_money: money, disputed_payment: { payment_id: paymentId } },
  }
  const event = {
    merchant_id: 'M1',
    type,
    event_id: spec.eventId ?? `${operationRef}-${spec.kind}`,
    created_at: new Date(spec.nowMs).toISOString(),
    data: {
      type: name,
      id: name === 'payment' ? paymentId : operationRef,
      object: { [name]: objects[name] },
    },
  }
  return sign(jsonBody(event, spec.bodyBytes), spec)
}

function sign(body: Buffer, { secret, settings }: SampleSpec): SignedSample {
  const scheme = squareSignature(settings?.PUBLIC_URL ?? 'http://127.0.0.1:3000/webhooks/square')
  return { headers: { [scheme.header]: signHeaderHmac(body, secret, scheme) }, body }
}
