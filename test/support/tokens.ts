import { createHmac } from 'node:crypto'

/** What a forger may write; by default a driver's good token for an hour. */
export interface TokenShape {
  readonly secret: string
  readonly nowMs?: number
  /** Members of the header beside `alg` and `typ`, or instead of them. */
  readonly header?: Readonly<Record<string, unknown>>
  /** Claims beside the usual ones, or instead of them; undefined takes one away. */
  readonly claims?: Readonly<Record<string, unknown>>
  /** The text that is signed as the claims, whatever it is. */
  readonly payload?: string | Buffer
  /** Of the HMAC, whatever `alg` says. */
  readonly hash?: 'sha256' | 'sha384' | 'sha512'
}

/** A token by RFC 7515's formula, without the library that verifies it. */
export function signToken(shape: TokenShape): string {
  const { secret, nowMs = Date.now(), header, claims, hash = 'sha256' } = shape
  const iat = Math.floor(nowMs / 1_000)
  const usual = { sub: 'driver-1', user_type: 'driver', iat, exp: iat + 3_600 }
  const payload = shape.payload ?? JSON.stringify({ ...usual, ...claims })
  const head = base64Url(JSON.stringify({ alg: 'HS256', typ: 'JWT', ...header }))
  const signed = `${head}.${base64Url(payload)}`
  return `${signed}.${createHmac(hash, secret).update(signed).digest('base64url')}`
}

export function base64Url(content: string | Buffer): string {
  return Buffer.from(content).toString('base64url')
}

/** Asks a service for a ticket, again while its Redis is not there yet or this machine is too busy, as an app would. */
export async function askForTicket(
  url: string,
  headers: Readonly<Record<string, string>>,
): Promise<Response> {
  for (;;) {
    const answer = await fetch(`${url}/realtime/tickets`, { method: 'POST', headers })
    if (answer.status !== 503) return answer
    await answer.body?.cancel()
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
