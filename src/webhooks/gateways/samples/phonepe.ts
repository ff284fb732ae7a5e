import { signPhonepeV2 } from '../phonepe.ts'
import {
  type GatewaySample,
  jsonBody,
  kindsOf,
  type SampleSpec,
  type SignedSample,
  type Words,
  wordsFor,
} from './sample.ts'

const EVENTS: Words<readonly [event: string, state: string]> = {
  captured: ['checkout.order.completed', 'COMPLETED'],
  failed: ['checkout.order.failed', 'FAILED'],
  refunded: ['pg.refund.completed', 'COMPLETED'],
  refund_failed: ['pg.refund.failed', 'FAILED'],
}

export const phonepeSample: GatewaySample = { kinds: kindsOf(EVENTS), currency: 'INR', build, sign }

function build(spec: SampleSpec): SignedSample {
  const [event, state] = wordsFor(EVENTS, spec.kind)
  if (spec.currency !== 'INR') throw new RangeError('PhonePe knows no currency but INR')
  const amount = Number(spec.amountMinor)
  const base = { merchantId: 'SAMPLE', state, amount, timestamp: spec.nowMs }
  const order = {
    ...base,
    merchantOrderId: spec.merchantRef,
    orderId: spec.gatewayRef ?? spec.operationRef,
    paymentDetails: [{ transactionId: spec.operationRef, paymentMode: 'UPI_QR', amount, state }],
  }
  const refund = {
    ...base,
    merchantRefundId: spec.operationRef,
    originalMerchantOrderId: spec.merchantRef,
    refundId: `OMR-${spec.operationRef}`,
  }
  const payload = event.startsWith('pg.refund.') ? refund : order
  const type = event.toUpperCase().replaceAll('.', '_')
  return sign(jsonBody({ event, type, payload }, spec.bodyBytes), spec)
}

function sign(body: Buffer, { secret }: SampleSpec): SignedSample {
  return { headers: { authorization: signPhonepeV2(secret) }, body }
}
