import { minorToDecimal } from '../../../base/money.ts'
import { signBraintree } from '../braintree.ts'
import { parseForm } from '../kit/form.ts'
import {
  fillerFields,
  type GatewaySample,
  kindsOf,
  type SampleSpec,
  type SignedSample,
  type Words,
  wordsFor,
} from './sample.ts'

const WORDS: Words<readonly [kind: string, type: string]> = {
  captured: ['transaction_settled', 'sale'],
  failed: ['transaction_settlement_declined', 'sale'],
  refunded: ['transaction_settled', 'credit'],
  refund_failed: ['refund_failed', 'credit'],
  disputed: ['dispute_opened', 'chargeback'],
  dispute_won: ['dispute_won', 'chargeback'],
  dispute_lost: ['dispute_lost', 'chargeback'],
}

export const braintreeSample: GatewaySample = { kinds: kindsOf(WORDS), currency: 'USD', build, sign }

const FORM = { 'content-type': 'application/x-www-form-urlencoded' }
/** Every three bytes of the XML make four characters of base64. */
const BODY_BYTES_PER_BYTE = 4 / 3
const HOUR_MS = 3_600_000

function build(spec: SampleSpec): SignedSample {
  const [kind, type] = wordsFor(WORDS, spec.kind)
  // When it happened, which a repetition some seconds later does not change.
  const at = new Date(Math.floor(spec.nowMs / HOUR_MS) * HOUR_MS).toISOString()
  const subject = kind.startsWith('dispute') ? disputeOf(spec, type) : transactionOf(spec, type)
  const filler = spec.bodyBytes === undefined ? '' : fillerOf(spec.bodyBytes / BODY_BYTES_PER_BYTE)
  const xml =
    `<notification>\n  <timestamp type="datetime">${at.replace('.000', '')}</timestamp>\n  <kind>${kind}</kind>\n` +
    `  <subject>${subject}</subject>${filler}\n</notification>`
  return signed(inLines(Buffer.from(xml)), spec)
}

function fillerOf(bytes: number): string {
  return fillerFields(bytes, '<></field_000000>'.length)
    .map(([name, value]) => `<${name}>${value}</${name}>`)
    .join('')
}

function disputeOf(spec: SampleSpec, kind: string): string {
  const payment = spec.gatewayRef ?? spec.merchantRef
  return (
    `<dispute><id>${spec.operationRef}</id><kind>${kind}</kind>${moneyOf(spec)}` +
    `<transaction><id>${payment}</id><order-id>${spec.merchantRef}</order-id></transaction></dispute>`
  )
}

function transactionOf(spec: SampleSpec, type: string): string {
  const payment = spec.gatewayRef ?? spec.merchantRef
  const ids =
    type === 'credit'
      ? `<id>${spec.operationRef}</id><refunded-transaction-id>${payment}</refunded-transaction-id>`
      : `<id>${payment}</id><order-id>${spec.merchantRef}</order-id>`
  return `<transaction>${ids}<type>${type}</type>${moneyOf(spec)}</transaction>`
}

function moneyOf({ amountMinor, currency }: SampleSpec): string {
  const amount = minorToDecimal(amountMinor, currency)
  return `<amount>${amount}</amount><currency-iso-code>${currency}</currency-iso-code>`
}

/** As Ruby writes base64: lines of 60 characters, each with its end. */
function inLines(bytes: Buffer): string {
  return (bytes.toString('base64').match(/.{1,60}/g) ?? []).map((line) => `${line}\n`).join('')
}

/** Signs the payload of a form, and of what is no form the bytes themselves, as if they were the XML. */
function sign(body: Buffer, spec: SampleSpec): SignedSample {
  const payload = parseForm(body)?.get('bt_payload')
  return signed(payload !== undefined && payload !== '' ? payload : inLines(body), spec)
}

function signed(payload: string, { secret }: SampleSpec): SignedSample {
  return { headers: FORM, body: signBraintree(payload, secret) }
}
