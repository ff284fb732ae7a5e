import { randomUUID } from 'node:crypto'

const PLAIN = /^[A-Za-z0-9._-]{1,64}$/

/** The sender's X-Request-Id where it is short and plain, so that traces join; otherwise a new one. */
export function requestIdOf(header: string | null | undefined): string {
  return header && PLAIN.test(header) ? header : randomUUID()
}
