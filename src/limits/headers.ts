import type { LimitVerdict } from './window.ts'

/** One item for each of two lists; see limitHeaders(). */
export interface LimitHeaders {
  readonly 'RateLimit-Policy': string
  readonly RateLimit: string
}

/**
 * The header fields of draft-ietf-httpapi-ratelimit-headers-10: both are lists of structured fields (RFC 9651), here of one
 * item each, that bear the class's name. `q`: points of a window, `w`: its seconds, `r`: points left, `t`: seconds until
 * the window ends, rounded up. null: the class is not limited, and nothing is to be said.
 */
export function limitHeaders(verdict: LimitVerdict): LimitHeaders | null {
  if (!Number.isFinite(verdict.limit)) return null
  const { class: name, limit, remaining, windowSeconds, resetMs } = verdict
  return {
    'RateLimit-Policy': `"${name}";q=${limit};w=${windowSeconds}`,
    RateLimit: `"${name}";r=${remaining};t=${secondsUp(resetMs)}`,
  }
}

/** Whole seconds that are never earlier than what they stand for: the draft wants Retry-After not before `t`. */
export function secondsUp(ms: number): number {
  return Math.ceil(ms / 1_000)
}
