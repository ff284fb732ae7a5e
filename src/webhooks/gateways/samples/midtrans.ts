import { minorToDecimal } from '../../../base/money.ts'
import { type JsonObject, parseObject } from '../kit/body.ts'
import { signMidtrans } from '../midtrans.ts'
import {
  type GatewaySample,
  jsonBody,
  kindsOf,
  type SampleSpec,
  type SignedSample,
  type Words,
  wordsFor,
} from './sample.ts'

const STATUSES: Words<readonly [status: string, code: string]> = {
  pending: ['pending', '201'],
  authorized: ['authorize', '200'],
  captured: ['settlement', '200'],
  failed: ['deny', '202'],
  cancelled: ['cancel', '200'],
  expired: ['expire', '407'],
  refunded: ['partial_refund', '200'],
  disputed: ['partial_chargeback', '200'],
}

export const midtransSample: GatewaySample = { kinds: kindsOf(STATUSES), currency: 'IDR', build, sign }

/** Seven hours: Midtrans writes the time of Jakarta. */
const JAKARTA_MS = 25_200_000

function build(spec: SampleSpec): SignedSample {
  const [transaction_status, status_code] = wordsFor(STATUSES, spec.kind)
  const isOperation = spec.kind === 'refunded' || spec.kind === 'disputed'
  const amount = minorToDecimal(spec.amountMinor, spec.currency)
  const at = new Date(spec.nowMs + JAKARTA_MS).toISOString().slice(0, 19).replace('T', ' ')
  const entry = { refund_chargeback_id: spec.operationRef, refund_amount: amount, created_at: at }
  const fields = {
    transaction_time: at,
    transaction_status,
    transaction_id: isOperation ? `tx-${spec.merchantRef}` : spec.operationRef,
    status_message: 'midtrans payment notification',
    status_code,
    payment_type: 'credit_card',
    order_id: spec.merchantRef,
    gross_amount: amount,
    fraud_status: 'accept',
    currency: spec.currency,
    ...(isOperation && { refund_amount: amount, refunds: [entry] }),
  }
  const body = signed(fields, spec.secret)
  if (body === null) throw new RangeError('Midtrans signs whole amounts, or with two digits')
  return { body: jsonBody(body, spec.bodyBytes) }
}

function sign(body: Buffer, { secret }: SampleSpec): SignedSample | null {
  const fields = parseObject(body)
  const result = fields === null ? null : signed(fields, secret)
  return result === null ? null : { body: Buffer.from(JSON.stringify(result)) }
}

function signed(fields: JsonObject, secret: string): JsonObject | null {
  const signature_key = signMidtrans(fields, secret)
  return signature_key === null ? null : { ...fields, signature_key }
}
