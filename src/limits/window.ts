import type { LimitClass, LimitRule } from './rules.ts'

/** How one caller stands in his window, after a request was counted. */
export interface Window {
  /** Points taken, those of refused requests too. */
  readonly used: number
  /** Until the window ends and its points come back, in milliseconds. */
  readonly leftMs: number
}

export interface LimitVerdict {
  readonly allowed: boolean
  readonly class: LimitClass
  /** Points of a window; Infinity where the class is not limited. */
  readonly limit: number
  /** Points that are left in this window. */
  readonly remaining: number
  /** The window's whole length; 0 where the class is not limited. */
  readonly windowSeconds: number
  /** Until the window ends, in milliseconds. */
  readonly resetMs: number
  /** 0 when allowed, otherwise how long to wait, in milliseconds. */
  readonly retryAfterMs: number
}

/** What a window means for the request that was counted last. */
export function judge(limitClass: LimitClass, rule: LimitRule, { used, leftMs }: Window): LimitVerdict {
  const allowed = used <= rule.points
  // A window that is over this very moment still has to be waited for, or "now" would be tried in a circle.
  const resetMs = Math.max(leftMs, 1)
  return {
    allowed,
    class: limitClass,
    limit: rule.points,
    remaining: Math.max(rule.points - used, 0),
    windowSeconds: rule.seconds,
    resetMs,
    retryAfterMs: allowed ? 0 : resetMs,
  }
}

/** The verdict of a class that is not limited. */
export function unlimited(limitClass: LimitClass): LimitVerdict {
  return {
    allowed: true,
    class: limitClass,
    limit: Number.POSITIVE_INFINITY,
    remaining: Number.POSITIVE_INFINITY,
    windowSeconds: 0,
    resetMs: 0,
    retryAfterMs: 0,
  }
}
