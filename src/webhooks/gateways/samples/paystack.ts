import { gatewayUnits } from '../kit/amount.ts'
import { signHeaderHmac } from '../kit/raw-hmac.ts'
import { PAYSTACK_EXPONENTS, PAYSTACK_SIGNATURE } from '../paystack.ts'
import {
  type GatewaySample,
  jsonBody,
  kindsOf,
  type SampleSpec,
  type SignedSample,
  type Words,
  wordsFor,
} from './sample.ts'

const EVENTS: Words<readonly [event: string, status: string]> = {
  captured: ['charge.success', 'success'],
  failed: ['charge.failed', 'failed'],
  refunded: ['refund.processed', 'processed'],
  refund_failed: ['refund.failed', 'failed'],
  disputed: ['charge.dispute.create', 'awaiting-merchant-feedback'],
  dispute_won: ['charge.dispute.resolve', 'resolved'],
  dispute_lost: ['charge.dispute.resolve', 'resolved'],
  payout_paid: ['transfer.success', 'success'],
  payout_failed: ['transfer.failed', 'failed'],
  payout_returned: ['transfer.reversed', 'reversed'],
}

export const paystackSample: GatewaySample = { kinds: kindsOf(EVENTS), currency: 'NGN', build, sign }

function build(spec: SampleSpec): SignedSample {
  const [event, status] = wordsFor(EVENTS, spec.kind)
  const { merchantRef: reference, operationRef: id, currency } = spec
  const amount = gatewayUnits(spec.amountMinor, currency, PAYSTACK_EXPONENTS)
  const at = new Date(spec.nowMs).toISOString()
  const charge = { id, reference, amount, currency, status, paid_at: at, channel: 'card' }
  const refund = {
    refund_reference: id,
    transaction_reference: reference,
    amount: String(amount),
    currency,
    status,
  }
  const transfer = { id, transfer_code: id, reference, amount, currency, status, createdAt: at }
  const dispute = {
    id,
    refund_amount: amount,
    currency,
    status,
    resolution:
      spec.kind === 'dispute_won' ? 'declined' : spec.kind === 'dispute_lost' ? 'merchant-accepted' : null,
    transaction: { id: reference, reference, amount, currency },
    created_at: at,
  }
  const objects = { refund, transfer, 'charge.dispute': dispute, charge }
  const data = Object.entries(objects).find(([name]) => event.startsWith(name))?.[1]
  return sign(jsonBody({ event, data }, spec.bodyBytes), spec)
}

function sign(body: Buffer, { secret }: SampleSpec): SignedSample {
  return { headers: { 'x-paystack-signature': signHeaderHmac(body, secret, PAYSTACK_SIGNATURE) }, body }
}
