/**
 * Why the server ends a connection: codes of RFC 6455 7.4 and, from 4000 on, our own. What a client does after each
 * stands in docs/realtime.md; the client in client/ obeys it.
 */
export const CLOSE = {
  /** The service is restarting. The reason is a RetryHint: connect anew after that time. */
  restart: 1012,
  /** What the connection needs is away (the database). The reason is a RetryHint. */
  tryAgainLater: 1013,
  malformed: 4400,
  /** The token is over, or was refused in band: another one is needed. */
  tokenOver: 4401,
  forbidden: 4403,
  /** The client reads too slowly. Nothing of its feed is lost: connect anew with `since`. */
  tooSlow: 4408,
  /** A newer connection of this driver has taken over. Do not connect anew. */
  replaced: 4409,
  tooManyMessages: 4429,
} as const

/** The reason of 1012 and 1013, as JSON. At most 123 bytes, as of every close frame. */
export function retryHint(retryAfterMs: number): string {
  return JSON.stringify({ retryAfterMs: Math.round(retryAfterMs) })
}
