import { minorToDecimal } from '../../../base/money.ts'
import { parseObject } from '../kit/body.ts'
import { signTap } from '../tap.ts'
import {
  type GatewaySample,
  jsonBody,
  kindsOf,
  type SampleSpec,
  type SignedSample,
  signedOrNull,
  type Words,
  wordsFor,
} from './sample.ts'

const OBJECTS: Words<readonly [object: string, status: string]> = {
  pending: ['charge', 'IN_PROGRESS'],
  authorized: ['authorize', 'AUTHORIZED'],
  captured: ['charge', 'CAPTURED'],
  failed: ['charge', 'DECLINED'],
  cancelled: ['charge', 'CANCELLED'],
  expired: ['charge', 'TIMEDOUT'],
  refunded: ['refund', 'REFUNDED'],
  refund_failed: ['refund', 'FAILED'],
}

export const tapSample: GatewaySample = { kinds: kindsOf(OBJECTS), currency: 'KWD', build, sign }

/** A charge is found by its own id, which therefore is the payment's gatewayRef. */
function build(spec: SampleSpec): SignedSample {
  const [object, status] = wordsFor(OBJECTS, spec.kind)
  const charge = spec.gatewayRef ?? spec.merchantRef
  const isRefund = object === 'refund'
  const created = String(spec.nowMs)
  const body = {
    id: isRefund ? spec.operationRef : charge,
    object,
    live_mode: false,
    status,
    amount: Number(minorToDecimal(spec.amountMinor, spec.currency)),
    currency: spec.currency,
    ...(isRefund ? { charge_id: charge, created } : { transaction: { created, timezone: 'UTC+03:00' } }),
    reference: {
      gateway: '123456789',
      payment: '1203230001',
      transaction: spec.merchantRef,
      order: spec.merchantRef,
    },
    response: { code: '000', message: status },
  }
  return { headers: { hashstring: signTap(body, spec.secret) }, body: jsonBody(body, spec.bodyBytes) }
}

function sign(bytes: Buffer, { secret }: SampleSpec): SignedSample | null {
  const signature = signedOrNull(parseObject(bytes), (body) => signTap(body, secret))
  return signature === null ? null : { headers: { hashstring: signature }, body: bytes }
}
