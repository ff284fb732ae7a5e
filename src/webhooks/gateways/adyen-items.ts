import type { KeyObject } from 'node:crypto'
import { integerOf, isObject, type JsonObject } from './kit/body.ts'
import { decodeBase64, hmacBytes, sameBytes } from './kit/signature.ts'

/** One notification of a payments webhook: the eight values that its signature covers, as text, and the signature. */
export interface AdyenItem {
  readonly pspReference: string
  /** '' where there is none. */
  readonly originalReference: string
  readonly merchantAccountCode: string
  readonly merchantReference: string
  /** In Adyen's minor units; null where the notification has no amount. */
  readonly value: number | null
  readonly currency: string
  readonly eventCode: string
  readonly success: string
  /** Nobody signs it. */
  readonly eventDate: unknown
  readonly signature: Buffer
}

/** JSON comes with one item; the bound is for what is not Adyen's. */
const MAX_ITEMS = 100
const SIGNATURE_BYTES = 32

/** The items of a payments webhook; null where the body is none. */
export function itemsIn({ notificationItems }: JsonObject): readonly JsonObject[] | null {
  if (!Array.isArray(notificationItems)) return null
  if (notificationItems.length === 0 || notificationItems.length > MAX_ITEMS) return null
  const items = notificationItems.map((one: unknown) => (isObject(one) ? one.NotificationRequestItem : null))
  return items.every(isObject) ? items : null
}

/** `additionalData.hmacSignature`; null: there is none. */
export function signatureText({ additionalData }: JsonObject): string | null {
  const text = isObject(additionalData) ? additionalData.hmacSignature : null
  return typeof text === 'string' && text !== '' ? text : null
}

/** Reads what is signed; null for a value that Adyen could not have signed so, and for a signature of another form. */
export function readItem(item: JsonObject): AdyenItem | null {
  const amount = item.amount === undefined || item.amount === null ? {} : item.amount
  // 44 characters of base64 may hold 33 bytes, at which timingSafeEqual throws.
  const signature = decodeBase64(signatureText(item) ?? '')
  if (!isObject(amount) || signature?.length !== SIGNATURE_BYTES) return null
  const value = typeof amount.value === 'number' ? amount.value : null
  const isAmountReadable = integerOf(value) !== null || amount.value === undefined || amount.value === null
  const texts = [
    item.pspReference,
    item.originalReference,
    item.merchantAccountCode,
    item.merchantReference,
    amount.currency,
    item.eventCode,
    typeof item.success === 'boolean' ? String(item.success) : item.success,
  ].map(optionalText)
  if (!isAmountReadable || !texts.every((text) => text !== null)) return null
  const [pspReference, originalReference, merchantAccountCode, merchantReference, ...rest] = texts
  const [currency, eventCode, success] = rest
  return {
    pspReference: pspReference ?? '',
    originalReference: originalReference ?? '',
    merchantAccountCode: merchantAccountCode ?? '',
    merchantReference: merchantReference ?? '',
    value,
    currency: currency ?? '',
    eventCode: eventCode ?? '',
    success: success ?? '',
    eventDate: item.eventDate,
    signature,
  }
}

/** Absent, null and empty are all signed as nothing; null: a value that is no text. */
function optionalText(value: unknown): string | null {
  if (value === undefined || value === null) return ''
  return typeof value === 'string' ? value : null
}

/** The eight values with `:` between them. None is escaped, whatever older documents say; an amount of 0 is `0`. */
export function signedText(item: AdyenItem): string {
  return [
    item.pspReference,
    item.originalReference,
    item.merchantAccountCode,
    item.merchantReference,
    item.value === null ? '' : String(item.value),
    item.currency,
    item.eventCode,
    item.success,
  ].join(':')
}

/**
 * Whether each value can only have been what it is: a `:` in our own reference changes nothing, since there are three values
 * before it and four after it; a second value with a `:` could have lent a part of itself to its neighbour.
 */
export function isUnambiguous({ merchantReference: _, ...item }: AdyenItem): boolean {
  const others = [
    item.pspReference,
    item.originalReference,
    item.merchantAccountCode,
    item.currency,
    item.eventCode,
    item.success,
  ]
  return !others.some((text) => text.includes(':'))
}

export function isSignedBy(item: AdyenItem, key: KeyObject | Buffer): boolean {
  return sameBytes(hmacOf(item, key), item.signature)
}

function hmacOf(item: AdyenItem, key: KeyObject | Buffer): Buffer {
  return hmacBytes('sha256', key, signedText(item))
}

/** The `hmacSignature` of an item; null for one that cannot be signed. For samples and tests. */
export function signAdyenItem(item: JsonObject, secret: string): string | null {
  const placeholder = Buffer.alloc(SIGNATURE_BYTES).toString('base64')
  const read = readItem({ ...item, additionalData: { hmacSignature: placeholder } })
  return read === null ? null : hmacOf(read, Buffer.from(secret, 'hex')).toString('base64')
}
