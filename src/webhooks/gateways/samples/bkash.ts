import { createHash, type KeyObject, sign as signBytes } from 'node:crypto'
import { minorToDecimal } from '../../../base/money.ts'
import { DEVELOPMENT_TOPIC } from '../bkash.ts'
import { type JsonObject, parseObject } from '../kit/body.ts'
import { type SnsType, signedText } from '../kit/sns.ts'
import {
  type GatewaySample,
  jsonBody,
  kindsOf,
  type SampleSpec,
  type SignedSample,
  type Words,
  wordsFor,
} from './sample.ts'

const STATUSES: Words<string> = {
  pending: 'Initiated',
  authorized: 'Authorized',
  captured: 'Completed',
  failed: 'Declined',
  cancelled: 'Cancelled',
  expired: 'Expired',
}

export const bkashSample: GatewaySample = {
  kinds: kindsOf(STATUSES),
  currency: 'BDT',
  unsignedHeaders: ['x-amz-sns-message-type'],
  build,
  sign,
}

/** Six hours: bKash writes the time of Dhaka. */
const DHAKA_MS = 21_600_000

const SNS = 'https://sns.ap-southeast-1.amazonaws.com'

function build(spec: SampleSpec): SignedSample {
  const message = {
    dateTime: new Date(spec.nowMs + DHAKA_MS).toISOString().replace(/\D/g, '').slice(0, 14),
    debitMSISDN: '8801700000001',
    creditOrganizationName: 'Org 01',
    creditShortCode: 'ORG001',
    trxID: spec.operationRef,
    transactionStatus: wordsFor(STATUSES, spec.kind),
    transactionType: '1003',
    amount: minorToDecimal(spec.amountMinor, spec.currency),
    currency: spec.currency,
    transactionReference: spec.merchantRef,
    merchantInvoiceNumber: spec.merchantRef,
  }
  const signed = signSns(
    {
      Type: 'Notification',
      MessageId: spec.eventId ?? messageIdOf(spec),
      TopicArn: spec.settings?.TOPIC_ARN ?? DEVELOPMENT_TOPIC,
      Message: JSON.stringify(message),
      Timestamp: new Date(spec.nowMs).toISOString(),
      SignatureVersion: '2',
      SigningCertURL: `${SNS}/SimpleNotificationService-sample.pem`,
      UnsubscribeURL: `${SNS}/?Action=Unsubscribe`,
    },
    spec.privateKey,
  )
  if (signed === null) throw new RangeError('bKash signs with an RSA key, and none was given')
  return { ...HEADERS, body: jsonBody(signed, spec.bodyBytes) }
}

const HEADERS = { headers: { 'x-amz-sns-message-type': 'Notification' } } as const

/** SNS's ids are UUIDs. */
function messageIdOf({ operationRef, kind }: SampleSpec): string {
  const hex = createHash('sha256').update(`${operationRef}:${kind}`).digest('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
    '-',
  )
}

function sign(body: Buffer, { privateKey }: SampleSpec): SignedSample | null {
  const fields = parseObject(body)
  const signed = fields === null ? null : signSns(fields, privateKey)
  return signed === null ? null : { ...HEADERS, body: Buffer.from(JSON.stringify(signed)) }
}

/** A message with the signature that its version asks for; null where it could not have one. */
export function signSns(fields: JsonObject, key: KeyObject | undefined): JsonObject | null {
  const { Type } = fields
  const isKnown =
    Type === 'Notification' || Type === 'SubscriptionConfirmation' || Type === 'UnsubscribeConfirmation'
  if (!isKnown || key === undefined) return null
  const text = signedText(Type satisfies SnsType, (name) => {
    const value = fields[name]
    return typeof value === 'string' ? value : undefined
  })
  if (text === null) return null
  const hash = fields.SignatureVersion === '1' ? 'RSA-SHA1' : 'RSA-SHA256'
  return { ...fields, Signature: signBytes(hash, Buffer.from(text), key).toString('base64') }
}
