import { GOCARDLESS_SIGNATURE } from '../gocardless.ts'
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

/** What moves money names no amount: those are hints, which the API makes facts of. */
const ACTIONS: Words<readonly [resource: string, action: string]> = {
  pending: ['payments', 'submitted'],
  captured: ['payments', 'confirmed'],
  failed: ['payments', 'failed'],
  cancelled: ['payments', 'cancelled'],
  refunded: ['refunds', 'paid'],
  refund_failed: ['refunds', 'failed'],
  disputed: ['payments', 'charged_back'],
  dispute_won: ['payments', 'chargeback_cancelled'],
  dispute_lost: ['payments', 'chargeback_settled'],
  payout_paid: ['payouts', 'paid'],
}

export const gocardlessSample: GatewaySample = { kinds: kindsOf(ACTIONS), currency: 'GBP', build, sign }

function build(spec: SampleSpec): SignedSample {
  const [resource, action] = wordsFor(ACTIONS, spec.kind)
  const isPayment = resource === 'payments'
  const event = {
    id: spec.eventId ?? `EV-${spec.operationRef}-${spec.kind}`,
    created_at: new Date(spec.nowMs).toISOString(),
    resource_type: resource,
    action,
    links: isPayment
      ? { payment: spec.gatewayRef ?? `PM-${spec.merchantRef}` }
      : { [resource.slice(0, -1)]: spec.operationRef },
    details: { origin: 'gocardless', cause: `${resource.slice(0, -1)}_${action}` },
    metadata: {},
    ...(!isPayment ? {} : { resource_metadata: { merchant_ref: spec.merchantRef } }),
  }
  return sign(jsonBody({ events: [event] }, spec.bodyBytes), spec)
}

function sign(body: Buffer, { secret }: SampleSpec): SignedSample {
  return { headers: { 'webhook-signature': signHeaderHmac(body, secret, GOCARDLESS_SIGNATURE) }, body }
}
