import { minorToDecimal } from '../../../base/money.ts'
import { type JsonObject, parseObject } from '../kit/body.ts'
import { signMyfatoorah } from '../myfatoorah-text.ts'
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

const STATUSES: Words<string> = {
  authorized: 'AUTHORIZE',
  captured: 'SUCCESS',
  failed: 'FAILED',
  cancelled: 'CANCELED',
  refunded: 'REFUNDED',
  refund_failed: 'CANCELED',
}

/** V1, which signs the amount. */
export const myfatoorahSample: GatewaySample = { kinds: kindsOf(STATUSES), currency: 'KWD', build, sign }

function build(spec: SampleSpec): SignedSample {
  const isRefund = spec.kind === 'refunded' || spec.kind === 'refund_failed'
  const status = wordsFor(STATUSES, spec.kind)
  const body = {
    EventType: isRefund ? 2 : 1,
    Event: isRefund ? 'RefundStatusChanged' : 'TransactionsStatusChanged',
    DateTime: '01012026101011',
    CountryIsoCode: 'KWT',
    Data: isRefund ? refund(spec, status) : payment(spec, status),
  }
  const headers = { 'myfatoorah-signature': signMyfatoorah(body, spec.secret) }
  return { headers, body: jsonBody(body, spec.bodyBytes) }
}

function payment(spec: SampleSpec, status: string): JsonObject {
  const amount = minorToDecimal(spec.amountMinor, spec.currency)
  return {
    InvoiceId: spec.gatewayRef ?? spec.merchantRef,
    InvoiceReference: '2026000001',
    CreatedDate: '01012026101010',
    CustomerReference: spec.merchantRef,
    CustomerName: 'عميل تجريبي',
    CustomerMobile: '+96500000000',
    CustomerEmail: null,
    TransactionStatus: status,
    PaymentMethod: 'KNET',
    UserDefinedField: null,
    ReferenceId: '1',
    TrackId: 't',
    PaymentId: spec.operationRef,
    AuthorizationId: 'A1',
    InvoiceValueInBaseCurrency: amount,
    BaseCurrency: spec.currency,
    InvoiceValueInDisplayCurreny: amount,
    DisplayCurrency: spec.currency,
    InvoiceValueInPayCurrency: amount,
    PayCurrency: spec.currency,
  }
}

/** Names its payment by the invoice, which the payment knows as its gatewayRef. */
function refund(spec: SampleSpec, status: string): JsonObject {
  const amount = minorToDecimal(spec.amountMinor, spec.currency)
  return {
    RefundId: spec.operationRef,
    RefundReference: '2026000019',
    CreatedDate: '01012026101010',
    RefundStatus: status,
    Amount: amount,
    Comments: 'Refund',
    InvoiceId: spec.gatewayRef ?? spec.merchantRef,
    GatewayReference: { PaymentId: '100202600000000001', RefundAmount: amount, Currency: spec.currency },
  }
}

function sign(bytes: Buffer, { secret }: SampleSpec): SignedSample | null {
  const signature = signedOrNull(parseObject(bytes), (body) => signMyfatoorah(body, secret))
  return signature === null ? null : { headers: { 'myfatoorah-signature': signature }, body: bytes }
}
