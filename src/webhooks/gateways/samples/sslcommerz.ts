import { minorToDecimal } from '../../../base/money.ts'
import { parseForm } from '../kit/form.ts'
import { signSslcommerz } from '../sslcommerz.ts'
import {
  fillerFields,
  type GatewaySample,
  kindsOf,
  type SampleSpec,
  type SignedSample,
  type Words,
  wordsFor,
} from './sample.ts'

const STATUSES: Words<string> = {
  captured: 'VALID',
  failed: 'FAILED',
  cancelled: 'CANCELLED',
  expired: 'EXPIRED',
}

export const sslcommerzSample: GatewaySample = { kinds: kindsOf(STATUSES), currency: 'BDT', build, sign }

/** Six hours: SSLCommerz writes the time of Dhaka. */
const DHAKA_MS = 21_600_000

function build(spec: SampleSpec): SignedSample {
  const status = wordsFor(STATUSES, spec.kind)
  const amount = minorToDecimal(spec.amountMinor, spec.currency)
  const fields = {
    amount,
    bank_tran_id: spec.operationRef,
    card_type: 'BKASH-BKash',
    currency: spec.currency,
    currency_amount: amount,
    currency_type: spec.currency,
    status,
    store_id: spec.settings?.STORE_ID ?? 'testbox',
    tran_date: new Date(spec.nowMs + DHAKA_MS).toISOString().slice(0, 19).replace('T', ' '),
    tran_id: spec.merchantRef,
    ...(spec.kind === 'captured' && { val_id: spec.operationRef }),
  }
  return signed(new Map(Object.entries({ ...fields, verify_key: Object.keys(fields).join(',') })), spec)
}

function sign(body: Buffer, spec: SampleSpec): SignedSample | null {
  const form = parseForm(body)
  return form === null || signSslcommerz(form, spec.secret) === null ? null : signed(form, spec)
}

function signed(form: ReadonlyMap<string, string>, { secret, bodyBytes = 0 }: SampleSpec): SignedSample {
  const fields = new URLSearchParams([...form])
  fields.set('verify_sign', signSslcommerz(form, secret) ?? '')
  const missing = bodyBytes - fields.toString().length
  if (missing > 0) {
    for (const [name, value] of fillerFields(missing, '=&'.length)) fields.set(name, value)
  }
  return {
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: Buffer.from(fields.toString()),
  }
}
