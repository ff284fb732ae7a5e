import { createHmac, createSecretKey, hash, type KeyObject, timingSafeEqual } from 'node:crypto'
import type { GatewayAccount } from '../adapter.ts'

const HEX = /^(?:[0-9a-f]{2})*$/i
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/

/** Whether two byte strings are equal, in time that depends only on their lengths. Unequal lengths never throw. */
export function sameBytes(left: Buffer, right: Buffer): boolean {
  return left.length === right.length && timingSafeEqual(left, right)
}

/**
 * An HMAC of the text, or of the bytes behind `before`, as bytes. It takes the way over hex because a Buffer that Node's digest
 * makes costs a third more than the whole computation of its text.
 */
export function hmacBytes(
  algorithm: 'sha1' | 'sha256' | 'sha512',
  key: KeyObject | Buffer,
  data: string | Buffer,
  before?: string,
): Buffer {
  const hmac = createHmac(algorithm, key)
  if (before !== undefined) hmac.update(before)
  return Buffer.from(hmac.update(data).digest('hex'), 'hex')
}

/** A digest as bytes, for gateways that hash text and key together. See `hmacBytes`. */
export function digestBytes(algorithm: 'md5' | 'sha256' | 'sha512', data: string | Buffer): Buffer {
  return Buffer.from(hash(algorithm, data, 'hex'), 'hex')
}

/** Decodes exactly `bytes` bytes of hex, in either case; null for anything else. */
export function decodeHex(text: string, bytes: number): Buffer | null {
  return text.length === bytes * 2 && HEX.test(text) ? Buffer.from(text, 'hex') : null
}

/**
 * Decodes standard base64; null for other alphabets, blanks and emptiness. Callers check the length of what comes
 * back: 44 characters may hold 32 or 33 bytes.
 */
export function decodeBase64(text: string): Buffer | null {
  return BASE64.test(text) ? Buffer.from(text, 'base64') : null
}

/**
 * Keys live as long as the account's configuration: making one for each delivery costs as much as half an HMAC.
 */
type KeysByAccount = WeakMap<GatewayAccount, readonly (KeyObject | null)[]>
const textKeys: KeysByAccount = new WeakMap()
const hexKeys: KeysByAccount = new WeakMap()

/**
 * The index of the first secret of the account for whose key `matches` holds, or -1. The key is the text of the secret.
 *
 * A blank secret never matches: an empty HMAC key is a key that everybody knows.
 */
export function findSecret(
  account: GatewayAccount,
  matches: (key: KeyObject, secret: string) => boolean,
): number {
  return findKey(account, textKeys, textKey, matches)
}

/** The same where the key is the bytes that the secret writes in hex. A secret that is no hex never matches. */
export function findHexSecret(
  account: GatewayAccount,
  matches: (key: KeyObject, secret: string) => boolean,
): number {
  return findKey(account, hexKeys, hexKey, matches)
}

function findKey(
  account: GatewayAccount,
  kept: KeysByAccount,
  keyOf: (secret: string) => KeyObject | null,
  matches: (key: KeyObject, secret: string) => boolean,
): number {
  let keys = kept.get(account)
  if (keys === undefined) {
    keys = account.secrets.map(keyOf)
    kept.set(account, keys)
  }
  return account.secrets.findIndex((secret, index) => {
    const key = keys[index] ?? null
    return key !== null && matches(key, secret)
  })
}

function textKey(secret: string): KeyObject | null {
  return secret.trim() === '' ? null : createSecretKey(secret, 'utf8')
}

function hexKey(secret: string): KeyObject | null {
  const hex = secret.trim()
  return hex !== '' && HEX.test(hex) ? createSecretKey(hex, 'hex') : null
}
