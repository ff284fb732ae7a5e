import type { KeyObject } from 'node:crypto'
import type { Refused } from '../adapter.ts'
import type { JsonObject } from './body.ts'
import { isRsaSigned, readRsaSignature } from './rsa-signature.ts'
import { refused } from './verdict.ts'

/**
 * What Amazon SNS posts, https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html: a JSON object of which
 * a few fields are signed by the key of a certificate that Amazon serves.
 */
export interface SnsMessage {
  readonly type: SnsType
  readonly text: (name: string) => string | undefined
  readonly signature: Buffer
  readonly hash: 'RSA-SHA1' | 'RSA-SHA256'
  /** Where the certificate is, on a host of SNS. */
  readonly certificateUrl: string
}

const SIGNED_FIELDS = {
  Notification: ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type'],
  SubscriptionConfirmation: [
    'Message',
    'MessageId',
    'SubscribeURL',
    'Timestamp',
    'Token',
    'TopicArn',
    'Type',
  ],
  UnsubscribeConfirmation: ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'],
} as const
export type SnsType = keyof typeof SIGNED_FIELDS

const HASHES: ReadonlyMap<unknown, SnsMessage['hash']> = new Map([
  ['1', 'RSA-SHA1'],
  ['2', 'RSA-SHA256'],
])

/** Reads a message so far as its signature can be judged, or says why it cannot. */
export function readSns(body: JsonObject): SnsMessage | Refused {
  const { Type, Signature, SignatureVersion, SigningCertURL } = body
  if (Signature === undefined || Signature === '')
    return refused('signature_missing', 'no Signature in the body')
  if (typeof Type !== 'string' || !Object.hasOwn(SIGNED_FIELDS, Type)) {
    return refused('signature_invalid', 'Type is none of SNS')
  }
  const hash = HASHES.get(SignatureVersion)
  if (hash === undefined) return refused('signature_invalid', 'SignatureVersion is neither 1 nor 2')
  const certificateUrl = snsUrlOf(SigningCertURL, CERTIFICATE_PATH)
  if (certificateUrl === null) {
    return refused('signature_invalid', 'SigningCertURL is no certificate on a host of SNS')
  }
  const signature = readRsaSignature(Signature)
  if (signature === null) return refused('signature_invalid', 'Signature is no base64 of an RSA signature')
  const text = (name: string) => {
    const value = Object.hasOwn(body, name) ? body[name] : undefined
    return typeof value === 'string' ? value : undefined
  }
  return { type: Type as SnsType, text, signature, hash, certificateUrl }
}

/** Whether the holder of the key signed it. Never throws. */
export function isSignedBy(key: KeyObject, message: SnsMessage): boolean {
  const text = signedText(message.type, message.text)
  return text !== null && isRsaSigned(text, message.hash, key, message.signature)
}

/** The signed text: each name and its value on lines of their own. Null where one is missing; only Subject may be. */
export function signedText(type: SnsType, text: SnsMessage['text']): string | null {
  let signed = ''
  for (const name of SIGNED_FIELDS[type]) {
    const value = text(name)
    if (value?.isWellFormed()) signed += `${name}\n${value}\n`
    else if (name !== 'Subject' || value !== undefined) return null
  }
  return signed
}

const SNS_HOST = /^sns\.[a-z0-9-]+\.amazonaws\.com$/
const CERTIFICATE_PATH = /^\/[\w-]{1,200}\.pem$/
const MAX_URL_CHARS = 1024

/** An https address on a host of SNS, without port, user or fragment, whose path and query have this form; else null. */
function snsUrlOf(value: unknown, form: RegExp): string | null {
  if (typeof value !== 'string' || value.length > MAX_URL_CHARS) return null
  const url = URL.parse(value)
  if (url === null || url.protocol !== 'https:' || !SNS_HOST.test(url.host)) return null
  const isPlain = url.username === '' && url.password === '' && url.hash === ''
  // What was read is what was written: no backslash, tab or upper case that one parser takes otherwise than the next.
  return isPlain && url.href === value && form.test(url.pathname + url.search) ? url.href : null
}

const CONFIRMATION = /^\/\?Action=ConfirmSubscription&/

/** The address that confirms the subscription to this topic, on a host of SNS; null for any other. */
export function confirmationUrl(value: unknown, topicArn: string): string | null {
  const url = snsUrlOf(value, CONFIRMATION)
  if (url === null) return null
  const { searchParams } = new URL(url)
  const topics = searchParams.getAll('TopicArn')
  return searchParams.getAll('Action').length === 1 && topics.length === 1 && topics[0] === topicArn
    ? url
    : null
}
