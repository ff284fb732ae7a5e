import { createHash } from 'node:crypto'
import { minorToDecimal } from '../../../base/money.ts'
import { signFawry } from '../fawry.ts'
import { type JsonObject, parseObject } from '../kit/body.ts'
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
  pending: 'NEW',
  captured: 'PAID',
  failed: 'FAILED',
  cancelled: 'CANCELED',
  expired: 'EXPIRED',
  refunded: 'REFUNDED',
}

export const fawrySample: GatewaySample = { kinds: kindsOf(STATUSES), currency: 'EGP', build, sign }

function build(spec: SampleSpec): SignedSample {
  const amount = Number(minorToDecimal(spec.amountMinor, 'EGP'))
  const fields = {
    requestId: 'c72827d084ea4b88949d91dd2db4996e',
    fawryRefNumber: fawryNumber(spec.operationRef),
    merchantRefNumber: spec.merchantRef,
    customerMobile: '01000000000',
    customerMail: 'customer@example.com',
    paymentAmount: amount,
    orderAmount: amount,
    fawryFees: 0,
    orderStatus: wordsFor(STATUSES, spec.kind),
    paymentMethod: 'PayAtFawry',
    orderExpiryDate: spec.nowMs,
    orderItems: [{ itemCode: 'trip', price: amount, quantity: 1 }],
  }
  const body = { ...fields, messageSignature: signFawry(fields, spec.secret, withMerchantRef(spec)) }
  return { body: jsonBody(body, spec.bodyBytes) }
}

/** Fawry's own references are numbers; another id becomes one. */
function fawryNumber(id: string): string {
  if (/^\d{1,15}$/.test(id)) return id
  return String(1_000_000_000 + createHash('sha256').update(id).digest().readUInt32BE())
}

/** The signature stands in the body, so that signing a body means to write a field of it anew. */
function sign(bytes: Buffer, spec: SampleSpec): SignedSample | null {
  const body = parseObject(bytes)
  const signature = signedOrNull(body, (fields) => signFawry(fields, spec.secret, withMerchantRef(spec)))
  if (body === null || signature === null) return null
  const signed: JsonObject = { ...body, messageSignature: signature }
  return { body: Buffer.from(JSON.stringify(signed)) }
}

function withMerchantRef({ settings }: SampleSpec): boolean {
  return settings?.USE_MERCHANT_REF_NUM?.trim() !== 'false'
}
