import { minorToDecimal } from '../../../base/money.ts'
import type { FactKind } from '../../../payments/fact.ts'
import { signKashier } from '../kashier.ts'
import { parseObject } from '../kit/body.ts'
import {
  type GatewaySample,
  jsonBody,
  kindsOf,
  type SampleSpec,
  type SignedSample,
  signedOrNull,
  wordsFor,
} from './sample.ts'

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

export const kashierSample: GatewaySample = { kinds: kindsOf(KASHIER_EVENTS), currency: 'EGP', build, sign }

function build(spec: SampleSpec): SignedSample {
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

function sign(body: Buffer, { secret }: SampleSpec): SignedSample | null {
  const data = parseObject(body)?.data
  const signature = signedOrNull(data, (fields) => signKashier(fields, secret))
  return signature === null ? null : { headers: { 'x-kashier-signature': signature }, body }
}
