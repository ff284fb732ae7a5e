/** Why a connection is over: a close code, or 0 where there was none (silence, no answer, no credentials). */
export interface Loss {
  readonly code: number
  readonly reason: string
}

export interface ReconnectTempo {
  /** The first wait is up to this long, each further one up to twice as long … */
  readonly baseMs: number
  /** … and none longer. */
  readonly capMs: number
  /** A connection that was ready so long starts the count again. */
  readonly stableMs: number
}

export type StopReason = 'closed' | 'replaced' | 'unauthorized' | 'forbidden'

/** `isFirm`: the server said how long; nothing shortens it. */
export type AfterLoss =
  | { readonly kind: 'retry'; readonly delayMs: number; readonly isFirm: boolean }
  | { readonly kind: 'stop'; readonly why: StopReason }

/** The server's close codes that mean something of their own (docs/realtime.md). */
export const CLOSE = {
  restart: 1012,
  tryLater: 1013,
  unauthorized: 4401,
  forbidden: 4403,
  tooSlow: 4408,
  replaced: 4409,
  tooMany: 4429,
} as const

/** Whoever was told that he says too much waits this long at least. */
const TOO_MANY_FLOOR_MS = 5_000
/** No server may send anybody away for longer. */
const MAX_RETRY_AFTER_MS = 300_000

/**
 * What comes after a loss: the `attempt`-th in a row, from 0. `random` is from [0, 1). Pure.
 *
 * Waits have full jitter, so that a thousand clients that are cut at once do not come back at once.
 */
export function afterLoss(loss: Loss, attempt: number, random: number, tempo: ReconnectTempo): AfterLoss {
  const backoffMs = random * Math.min(tempo.capMs, tempo.baseMs * 2 ** Math.min(attempt, 30))
  switch (loss.code) {
    case CLOSE.replaced:
      return { kind: 'stop', why: 'replaced' }
    case CLOSE.restart:
    case CLOSE.tryLater: {
      const askedMs = retryAfterOf(loss.reason)
      if (askedMs === null) return retry(backoffMs)
      return {
        kind: 'retry',
        delayMs: askedMs + (random * Math.max(askedMs, tempo.baseMs)) / 2,
        isFirm: true,
      }
    }
    case CLOSE.tooMany:
      return {
        kind: 'retry',
        delayMs: TOO_MANY_FLOOR_MS + random * TOO_MANY_FLOOR_MS + backoffMs,
        isFirm: true,
      }
    case CLOSE.tooSlow:
    case CLOSE.unauthorized:
    case CLOSE.forbidden:
      // At once, unless that did not help the time before. With the same credentials nobody comes back at all: the client sees to that.
      return retry(attempt === 0 ? 0 : backoffMs)
    default:
      return retry(backoffMs)
  }
}

function retry(delayMs: number): AfterLoss {
  return { kind: 'retry', delayMs, isFirm: false }
}

/** The reason of 1012 and 1013 is JSON: {"retryAfterMs": 1500}. */
function retryAfterOf(reason: string): number | null {
  try {
    const { retryAfterMs } = JSON.parse(reason) as { readonly retryAfterMs?: unknown }
    return typeof retryAfterMs === 'number' && retryAfterMs >= 0
      ? Math.min(retryAfterMs, MAX_RETRY_AFTER_MS)
      : null
  } catch {
    return null
  }
}
