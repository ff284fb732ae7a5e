import { createHash } from 'node:crypto'
import type { Delivery, GatewayAccount, Refused } from '../adapter.ts'
import type { Signature } from './raw-hmac.ts'
import { findSecret, sameBytes } from './signature.ts'
import { refused } from './verdict.ts'

/**
 * Which active secret stands in the header, or the refusal: it says who sent the delivery and nothing about its body. What is
 * kept as its signature is the body's SHA-256, because the header is the secret itself.
 */
export function verifyStaticToken(
  { headers, body }: Delivery,
  account: GatewayAccount,
  header: string,
): Signature | Refused {
  const value = headers[header.toLowerCase()]
  if (value === undefined || value === '') return refused('signature_missing', `no ${header} header`)
  // Node reads headers as Latin-1, so that these are the bytes that came.
  const given = Buffer.from(value, 'latin1')
  const secretIndex = findSecret(account, (_, secret) => sameBytes(Buffer.from(secret), given))
  if (secretIndex < 0) return refused('signature_invalid', `${header} is no active secret`)
  return { secretIndex, signature: createHash('sha256').update(body).digest('hex') }
}
