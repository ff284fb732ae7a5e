import { type KeyObject, verify } from 'node:crypto'
import type { GatewayAccount, Received } from '../adapter.ts'
import { pinnedKeyOf } from './public-key.ts'
import { decodeBase64 } from './signature.ts'

/** Keys of 2048 to 4096 bits; a signature is as long as its key. */
const MIN_BYTES = 256
const MAX_BYTES = 512

/** The base64 of a signature as bytes; null for anything that no RSA key of a gateway makes. */
export function readRsaSignature(text: unknown): Buffer | null {
  const bytes = typeof text === 'string' ? decodeBase64(text) : null
  return bytes === null || bytes.length < MIN_BYTES || bytes.length > MAX_BYTES ? null : bytes
}

/** Whether the holder of the key signed the text. Never throws. */
export function isRsaSigned(
  text: string,
  hash: 'RSA-SHA1' | 'RSA-SHA256',
  key: KeyObject,
  signature: Buffer,
): boolean {
  try {
    return verify(hash, Buffer.from(text), key, signature)
  } catch {
    return false
  }
}

type CertificateNeeded = Extract<Received, { kind: 'certificate_needed' }>

/**
 * The key that PUBLIC_KEY pins, or that of the certificate at `url`, or the wish for it. The URL comes from a stranger: the adapter
 * has vetted it; null: it is none that may be asked for, which matters only where no key is pinned.
 */
export function keyOfCertificate(
  url: string | null,
  account: GatewayAccount,
  certificates: ReadonlyMap<string, KeyObject> | undefined,
): KeyObject | CertificateNeeded | null {
  const pinned = pinnedKeyOf(account)
  if (pinned !== null) return pinned
  if (url === null) return null
  return certificates?.get(url) ?? { kind: 'certificate_needed', url }
}

/** Tells the wish for a certificate from a key. */
export function isCertificateNeeded(key: KeyObject | CertificateNeeded): key is CertificateNeeded {
  return 'kind' in key
}
