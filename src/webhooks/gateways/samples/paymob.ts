import type { FactKind } from '../../../payments/fact.ts'
import { type JsonObject, parseObject } from '../kit/body.ts'
import { signPaymob } from '../paymob-hmac.ts'
import {
  type GatewaySample,
  jsonBody,
  kindsOf,
  type SampleSpec,
  type SignedSample,
  signedOrNull,
  wordsFor,
} from './sample.ts'

/** What `PAYMOB_OWNER` and `PAYMOB_INTEGRATION_IDS` must be for the samples to match, where the account sets none. */
export const SAMPLE_PAYMOB_OWNER = '12'
export const SAMPLE_PAYMOB_INTEGRATION_ID = '1234'

const PAYMOB_FLAGS: Readonly<Partial<Record<FactKind, JsonObject>>> = {
  pending: { pending: true },
  authorized: { success: true, is_auth: true },
  captured: { success: true, is_standalone_payment: true },
  failed: { success: false },
  cancelled: { success: true, is_voided: true },
  refunded: { success: true, has_parent_transaction: true, is_refund: true },
}

export const paymobSample: GatewaySample = { kinds: kindsOf(PAYMOB_FLAGS), currency: 'EGP', build, sign }

function build(spec: SampleSpec): SignedSample {
  const flags = wordsFor(PAYMOB_FLAGS, spec.kind)
  const obj = {
    id: spec.operationRef,
    amount_cents: Number(spec.amountMinor),
    created_at: new Date(spec.nowMs).toISOString(),
    currency: spec.currency,
    error_occured: false,
    has_parent_transaction: false,
    integration_id: numeric(spec.settings?.INTEGRATION_IDS?.split(',')[0] ?? SAMPLE_PAYMOB_INTEGRATION_ID),
    is_3d_secure: true,
    is_auth: false,
    is_capture: false,
    is_refunded: false,
    is_standalone_payment: false,
    is_voided: false,
    order: { id: spec.gatewayRef ?? spec.merchantRef, merchant_order_id: spec.merchantRef },
    owner: numeric(spec.settings?.OWNER ?? SAMPLE_PAYMOB_OWNER),
    pending: false,
    source_data: { pan: '1111', sub_type: 'Visa', type: 'card' },
    success: false,
    ...flags,
  }
  const query = `hmac=${signPaymob(obj, spec.secret)}`
  return { query, body: jsonBody({ type: 'TRANSACTION', obj }, spec.bodyBytes) }
}

/** Paymob's ids are numbers. */
function numeric(id: string): number | string {
  const text = id.trim()
  return /^\d{1,15}$/.test(text) ? Number(text) : text
}

function sign(body: Buffer, { secret }: SampleSpec): SignedSample | null {
  const hmac = signedOrNull(parseObject(body)?.obj, (obj) => signPaymob(obj, secret))
  return hmac === null ? null : { query: `hmac=${hmac}`, body }
}
