import { createHmac } from 'node:crypto'

const HOUR_SECONDS = 3_600

/** A customer's token for two hours, as Laravel signs them (RFC 7515, HS256). */
export function signToken(secret: string, userId: string): string {
  const iat = Math.floor(Date.now() / 1_000)
  const claims = {
    iss: 'https://example.test',
    iat,
    exp: iat + 2 * HOUR_SECONDS,
    nbf: iat,
    sub: userId,
    user_type: 'customer',
  }
  const signed = [{ typ: 'JWT', alg: 'HS256' }, claims].map(base64Url).join('.')
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
}

function base64Url(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

/** The id of the n-th user, as long as Laravel's uuids are. */
export function userIdOf(index: number): string {
  return `00000000-0000-4000-8000-${index.toString().padStart(12, '0')}`
}

/** The n-th of some millions of addresses of the loopback network. */
export function addressOf(index: number): string {
  return `127.${1 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`
}
