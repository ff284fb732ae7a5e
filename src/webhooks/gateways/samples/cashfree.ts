import { minorToDecimal } from '../../../base/money.ts'
import { cashfreeSignature } from '../cashfree.ts'
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

const EVENTS: Words<readonly [type: string, status: string]> = {
  captured: ['PAYMENT_SUCCESS_WEBHOOK', 'SUCCESS'],
  failed: ['PAYMENT_FAILED_WEBHOOK', 'FAILED'],
  refunded: ['REFUND_STATUS_WEBHOOK', 'SUCCESS'],
  refund_failed: ['REFUND_STATUS_WEBHOOK', 'CANCELLED'],
  disputed: ['DISPUTE_CREATED', 'CHARGEBACK_CREATED'],
  dispute_won: ['DISPUTE_CLOSED', 'CHARGEBACK_MERCHANT_WON'],
  dispute_lost: ['DISPUTE_CLOSED', 'CHARGEBACK_MERCHANT_LOST'],
  payout_paid: ['TRANSFER_SUCCESS', 'SUCCESS'],
  payout_failed: ['TRANSFER_FAILED', 'FAILED'],
  payout_returned: ['TRANSFER_REVERSED', 'REVERSED'],
}

export const cashfreeSample: GatewaySample = { kinds: kindsOf(EVENTS), currency: 'INR', build, sign }

function build(spec: SampleSpec): SignedSample {
  const [type, status] = wordsFor(EVENTS, spec.kind)
  const event_time = new Date(spec.nowMs).toISOString()
  return sign(jsonBody({ data: dataOf(type, status, spec), event_time, type }, spec.bodyBytes), spec)
}

function dataOf(type: string, status: string, spec: SampleSpec) {
  const { merchantRef: order_id, operationRef, currency } = spec
  const amount = Number(minorToDecimal(spec.amountMinor, currency))
  if (type.startsWith('TRANSFER_'))
    return { transfer_id: order_id, cf_transfer_id: operationRef, transfer_amount: amount, status }
  const order = { order_id, order_amount: amount, order_currency: currency }
  if (type === 'REFUND_STATUS_WEBHOOK') {
    const ids = {
      cf_refund_id: operationRef,
      cf_payment_id: `cf_${order_id}`,
      refund_id: operationRef,
      order_id,
    }
    const money = { refund_amount: amount, refund_currency: currency, refund_status: status }
    return { refund: { ...ids, ...money, entity: 'Refund', refund_type: 'MERCHANT_INITIATED' } }
  }
  if (type.startsWith('DISPUTE_')) {
    const money = { dispute_amount: amount, dispute_amount_currency: currency, dispute_status: status }
    const dispute = { dispute_id: operationRef, dispute_type: 'CHARGEBACK', ...money }
    return { dispute, order_details: { ...order, cf_payment_id: `cf_${order_id}` } }
  }
  const money = { payment_status: status, payment_amount: amount, payment_currency: currency }
  return { order, payment: { cf_payment_id: operationRef, ...money, payment_group: 'upi' } }
}

function sign(body: Buffer, { secret, nowMs }: SampleSpec): SignedSample {
  const timestamp = String(nowMs)
  const signature = signHeaderHmac(body, secret, cashfreeSignature(timestamp))
  return { headers: { 'x-webhook-timestamp': timestamp, 'x-webhook-signature': signature }, body }
}
