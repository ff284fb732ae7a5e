import { createHmac } from 'node:crypto'
import type { Delivery, GatewayAccount, GatewayEvent, Received, Refused } from '../adapter.ts'
import { type JsonObject, parseObject } from './body.ts'
import { decodeBase64, decodeHex, findHexSecret, findSecret, hmacBytes, sameBytes } from './signature.ts'
import { type Hold, refused } from './verdict.ts'

/** A header that signs the bytes of the body: what most gateways do, each with its own name, hash and alphabet. */
export interface HeaderHmac {
  /** As people write it: `X-Razorpay-Signature`. */
  readonly header: string
  readonly hash: 'sha1' | 'sha256' | 'sha512'
  readonly encoding: 'hex' | 'base64'
  /** hex: the secret writes the key in hex; otherwise its text is the key. */
  readonly key?: 'hex'
  /** Taken off the value where it is there: `sha256=`. */
  readonly prefix?: string
  /** What stands before the body in the signed bytes; none where only the body is signed. */
  readonly before?: string
}

const HASH_BYTES = { sha1: 20, sha256: 32, sha512: 64 } as const

export interface Signature {
  readonly secretIndex: number
  /** As it is kept with the event: lower-case hex, whatever came. */
  readonly signature: string
}

/** Which active secret signed these bytes, or the refusal. */
export function verifyHeaderHmac(
  delivery: Delivery,
  account: GatewayAccount,
  scheme: HeaderHmac,
): Signature | Refused {
  const { header, hash } = scheme
  const value = delivery.headers[header.toLowerCase()]
  if (value === undefined || value === '') return refused('signature_missing', `no ${header} header`)
  const given = decodeSignature(value, scheme)
  if (given === null) return refused('signature_invalid', `${header} is not ${formOf(scheme)}`)
  const find = scheme.key === 'hex' ? findHexSecret : findSecret
  const secretIndex = find(account, (key) =>
    sameBytes(hmacBytes(hash, key, delivery.body, scheme.before), given),
  )
  if (secretIndex < 0) return refused('signature_invalid', `${header} matches no active secret`)
  return { secretIndex, signature: given.toString('hex') }
}

function decodeSignature(value: string, { hash, encoding, prefix }: HeaderHmac): Buffer | null {
  const text = prefix !== undefined && value.startsWith(prefix) ? value.slice(prefix.length) : value
  if (encoding === 'hex') return decodeHex(text, HASH_BYTES[hash])
  const bytes = decodeBase64(text)
  // 44 characters may hold 32 or 33 bytes.
  return bytes?.length === HASH_BYTES[hash] ? bytes : null
}

function formOf({ hash, encoding }: HeaderHmac): string {
  return encoding === 'hex' ? `${HASH_BYTES[hash] * 2} hex digits` : `base64 of ${HASH_BYTES[hash]} bytes`
}

/** What the header says for these bytes, signed as `scheme` says; for samples and tests. */
export function signHeaderHmac(body: Buffer, secret: string, scheme: HeaderHmac): string {
  const { hash, encoding, prefix = '', before = '' } = scheme
  const key = scheme.key === 'hex' ? Buffer.from(secret, 'hex') : secret
  return prefix + createHmac(hash, key).update(before).update(body).digest(encoding)
}

/** Tells a signature from a refusal. */
export function isRefused(result: Signature | Refused): result is Refused {
  return 'kind' in result
}

/**
 * The whole of a tier A `receive` whose header signs the body: verifies, parses the JSON object, and lets `read` make events
 * of it. What is signed and is no JSON object is kept all the same, and held.
 */
export function receiveSignedJson(
  delivery: Delivery,
  account: GatewayAccount,
  scheme: HeaderHmac,
  read: (body: JsonObject, signature: string) => GatewayEvent | readonly GatewayEvent[],
): Received {
  const verified = verifyHeaderHmac(delivery, account, scheme)
  if (isRefused(verified)) return verified
  const body = parseObject(delivery.body)
  const result = body === null ? unreadable(verified.signature) : read(body, verified.signature)
  return { kind: 'accepted', ...verified, events: 'eventId' in result ? [result] : result }
}

/** The event of a signed body that cannot be read: kept, and held for a person. */
export function unreadable(signature: string, hold: Hold = 'body_unreadable'): GatewayEvent {
  return {
    eventId: `signature:${signature}`,
    type: 'unreadable',
    occurredAt: null,
    signed: [],
    fact: null,
    hold,
  }
}
