import { ADYEN_EXPONENTS } from '../adyen-facts.ts'
import { itemsIn, signAdyenItem } from '../adyen-items.ts'
import { gatewayUnits } from '../kit/amount.ts'
import { isObject, type JsonObject, parseObject } from '../kit/body.ts'
import {
  type GatewaySample,
  jsonBody,
  kindsOf,
  type SampleSpec,
  type SignedSample,
  type Words,
  wordsFor,
} from './sample.ts'

/** What an account that captures by hand is told. */
const EVENTS: Words<readonly [eventCode: string, success: 'true' | 'false', on: 'payment' | 'modification']> =
  {
    pending: ['PENDING', 'true', 'payment'],
    authorized: ['AUTHORISATION', 'true', 'payment'],
    captured: ['CAPTURE', 'true', 'modification'],
    failed: ['AUTHORISATION', 'false', 'payment'],
    cancelled: ['CANCELLATION', 'true', 'modification'],
    expired: ['OFFER_CLOSED', 'true', 'payment'],
    refunded: ['REFUND', 'true', 'modification'],
    refund_failed: ['REFUND_FAILED', 'true', 'modification'],
    disputed: ['CHARGEBACK', 'true', 'modification'],
    dispute_won: ['CHARGEBACK_REVERSED', 'true', 'modification'],
    dispute_lost: ['SECOND_CHARGEBACK', 'true', 'modification'],
    payout_paid: ['PAYOUT_THIRDPARTY', 'true', 'payment'],
    payout_failed: ['PAYOUT_THIRDPARTY', 'false', 'payment'],
    payout_returned: ['PAIDOUT_REVERSED', 'true', 'payment'],
  }

export const adyenSample: GatewaySample = { kinds: kindsOf(EVENTS), currency: 'EUR', build, sign }

function build(spec: SampleSpec): SignedSample {
  const { kind, merchantRef, operationRef, amountMinor, currency, settings } = spec
  const isAutomatic = settings?.CAPTURE?.trim() === 'automatic'
  const [eventCode, success, on] = wordsFor(EVENTS, kind === 'captured' && isAutomatic ? 'authorized' : kind)
  const item = {
    amount: { currency, value: gatewayUnits(amountMinor, currency, ADYEN_EXPONENTS) },
    eventCode,
    eventDate: new Date(spec.nowMs).toISOString(),
    merchantAccountCode: settings?.MERCHANT_ACCOUNT?.trim() || 'OncelineSample',
    merchantReference: merchantRef,
    ...(on === 'modification' ? { originalReference: spec.gatewayRef ?? merchantRef } : {}),
    paymentMethod: 'visa',
    pspReference: operationRef,
    reason: '',
    success,
  }
  const body = { live: 'false', notificationItems: [{ NotificationRequestItem: signed(item, spec.secret) }] }
  return { body: jsonBody(body, spec.bodyBytes) }
}

/** The signature stands in each item, so that signing a body means to write them anew. */
function sign(bytes: Buffer, { secret }: SampleSpec): SignedSample | null {
  const body = parseObject(bytes)
  const items = body === null ? null : itemsIn(body)
  if (body === null || items === null) return null
  const anew = items.map((item) => ({ NotificationRequestItem: signed(item, secret) }))
  return { body: Buffer.from(JSON.stringify({ ...body, notificationItems: anew })) }
}

function signed(item: JsonObject, secret: string): JsonObject {
  const others = isObject(item.additionalData) ? item.additionalData : {}
  return { ...item, additionalData: { ...others, hmacSignature: signAdyenItem(item, secret) ?? '' } }
}
