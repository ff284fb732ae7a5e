import { minorToDecimal } from '../../../base/money.ts'
import { signHeaderHmac } from '../kit/raw-hmac.ts'
import { MOLLIE_SIGNATURE } from '../mollie.ts'
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
  pending: 'payment.pending',
  authorized: 'payment.authorized',
  captured: 'payment.paid',
  failed: 'payment.failed',
  cancelled: 'payment.canceled',
  expired: 'payment.expired',
  refunded: 'refund.refunded',
  refund_failed: 'refund.failed',
  disputed: 'chargeback.received',
  dispute_won: 'chargeback.reversed',
}

export const mollieSample: GatewaySample = { kinds: kindsOf(TYPES), currency: 'EUR', build, sign }

/** A signed event; without a secret the classic form, which only names a payment. */
function build(spec: SampleSpec): SignedSample {
  const type = wordsFor(TYPES, spec.kind)
  return spec.secret === '' ? classic(spec) : sign(jsonBody(eventOf(spec, type), spec.bodyBytes), spec)
}

function classic(spec: SampleSpec): SignedSample {
  const id = paymentIdOf(spec).replace(/[^A-Za-z0-9_]/g, '')
  const body = Buffer.from(new URLSearchParams({ id }).toString())
  return { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body }
}

function paymentIdOf({ gatewayRef, merchantRef }: SampleSpec): string {
  return gatewayRef ?? `tr_${merchantRef}`
}

function eventOf(spec: SampleSpec, type: string) {
  const [resource = '', status = ''] = type.split('.')
  const amount = { currency: spec.currency, value: minorToDecimal(spec.amountMinor, spec.currency) }
  const paymentId = paymentIdOf(spec)
  const isPayment = resource === 'payment'
  const entity = {
    resource,
    id: isPayment ? paymentId : spec.operationRef,
    amount,
    status,
    ...(isPayment ? { metadata: { merchant_ref: spec.merchantRef } } : { paymentId }),
  }
  return {
    resource: 'event',
    id: spec.eventId ?? `event_${spec.operationRef}_${spec.kind}`,
    type,
    entityId: entity.id,
    createdAt: new Date(spec.nowMs).toISOString(),
    _embedded: { entity },
  }
}

function sign(body: Buffer, spec: SampleSpec): SignedSample {
  if (spec.secret === '') return { body }
  return { headers: { 'x-mollie-signature': signHeaderHmac(body, spec.secret, MOLLIE_SIGNATURE) }, body }
}
