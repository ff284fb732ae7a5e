import { minorToDecimal } from '../../../base/money.ts'
import { signHeaderHmac } from '../kit/raw-hmac.ts'
import { PAYTABS_SIGNATURE } from '../paytabs.ts'
import {
  type GatewaySample,
  jsonBody,
  kindsOf,
  type SampleSpec,
  type SignedSample,
  type Words,
  wordsFor,
} from './sample.ts'

const RESULTS: Words<readonly [type: string, status: string, message: string]> = {
  pending: ['Sale', 'P', 'Pending'],
  authorized: ['Auth', 'A', 'Authorised'],
  captured: ['Sale', 'A', 'Authorised'],
  failed: ['Sale', 'D', 'Declined'],
  cancelled: ['Void', 'A', 'Authorised'],
  expired: ['Sale', 'X', 'Expired'],
  refunded: ['Refund', 'A', 'Authorised'],
  refund_failed: ['Refund', 'D', 'Declined'],
}

export const paytabsSample: GatewaySample = { kinds: kindsOf(RESULTS), currency: 'EGP', build, sign }

function build(spec: SampleSpec): SignedSample {
  const [type, status, message] = wordsFor(RESULTS, spec.kind)
  const amount = minorToDecimal(spec.amountMinor, spec.currency)
  const payment = {
    tran_ref: spec.operationRef,
    ...(type === 'Refund' || type === 'Void'
      ? { previous_tran_ref: spec.gatewayRef ?? spec.merchantRef }
      : {}),
    merchant_id: 1,
    profile_id: 2,
    cart_id: spec.merchantRef,
    cart_description: 'Trip',
    cart_currency: spec.currency,
    cart_amount: amount,
    tran_currency: spec.currency,
    tran_total: amount,
    tran_type: type,
    tran_class: 'ECom',
    customer_details: { name: 'First Last', email: 'customer@example.com', country: 'EG' },
    payment_result: {
      response_status: status,
      response_code: 'G00000',
      response_message: message,
      transaction_time: new Date(spec.nowMs).toISOString(),
    },
    payment_info: { payment_method: 'Visa', card_type: 'Credit', card_scheme: 'Visa' },
  }
  return sign(jsonBody(payment, spec.bodyBytes), spec)
}

function sign(body: Buffer, { secret }: SampleSpec): SignedSample {
  return { headers: { signature: signHeaderHmac(body, secret, PAYTABS_SIGNATURE) }, body }
}
