import { minorToDecimal } from '../../../base/money.ts'
import { FLUTTERWAVE_SIGNATURE } from '../flutterwave.ts'
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

/** As v4 sends them; for an account of v3 a transaction has only these three states. */
const WORDS: Words<readonly [type: string, status: string]> = {
  pending: ['charge.completed', 'pending'],
  captured: ['charge.completed', 'succeeded'],
  failed: ['charge.completed', 'failed'],
  cancelled: ['charge.completed', 'voided'],
  refunded: ['refund.completed', 'succeeded'],
  refund_failed: ['refund.completed', 'failed'],
  payout_created: ['transfer.disburse', 'PENDING'],
  payout_paid: ['transfer.disburse', 'SUCCESSFUL'],
  payout_failed: ['transfer.disburse', 'FAILED'],
}

export const flutterwaveSample: GatewaySample = { kinds: kindsOf(WORDS), currency: 'NGN', build, sign }

function build(spec: SampleSpec): SignedSample {
  const [type, status] = wordsFor(WORDS, spec.kind)
  return sign(
    jsonBody(isV3(spec) ? bodyOfV3(spec, type, status) : bodyOfV4(spec, type, status), spec.bodyBytes),
    spec,
  )
}

function isV3({ settings }: SampleSpec): boolean {
  return settings?.API_VERSION === 'v3'
}

function bodyOfV4(spec: SampleSpec, type: string, status: string) {
  const { operationRef, currency } = spec
  const chargeId = spec.gatewayRef ?? operationRef
  const amount = amountOf(spec)
  const charge = { id: chargeId, amount, currency, status, reference: spec.merchantRef }
  const transfer = {
    id: operationRef,
    amount: { value: amount, applies_to: 'destination_currency' },
    destination_currency: currency,
    reference: spec.merchantRef,
    status,
  }
  const refund = { id: operationRef, charge_id: chargeId, amount_refunded: amount, currency, status }
  return {
    webhook_id: spec.eventId ?? `wbk_${operationRef}_${spec.kind}`,
    timestamp: spec.nowMs,
    type,
    data: type.startsWith('refund') ? refund : type.startsWith('transfer') ? transfer : charge,
  }
}

function bodyOfV3(spec: SampleSpec, event: string, status: string) {
  const { merchantRef: tx_ref, operationRef: id, currency } = spec
  const data = {
    id,
    tx_ref,
    flw_ref: `FLW-${id}`,
    amount: amountOf(spec),
    currency,
    status: status === 'succeeded' ? 'successful' : status,
    created_at: new Date(spec.nowMs).toISOString(),
  }
  return { event, data, 'event.type': 'CARD_TRANSACTION' }
}

/** A JSON number, which for amounts of so few digits is the decimal itself. */
function amountOf({ amountMinor, currency }: SampleSpec): number {
  return Number(minorToDecimal(amountMinor, currency))
}

function sign(body: Buffer, spec: SampleSpec): SignedSample {
  if (isV3(spec)) return { headers: { 'verif-hash': spec.secret }, body }
  return {
    headers: { 'flutterwave-signature': signHeaderHmac(body, spec.secret, FLUTTERWAVE_SIGNATURE) },
    body,
  }
}
