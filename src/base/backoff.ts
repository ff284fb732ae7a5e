/** Beyond any cap (2^50 ms are 35,000 years) and far from Infinity, which a base of 0 would turn into NaN. */
const MAX_DOUBLINGS = 50

export interface Backoff {
  /** The ceiling of the first wait; it doubles with every attempt. */
  readonly baseMs: number
  /** The ceiling never exceeds this. */
  readonly capMs: number
  /** A number in [0, 1): `Math.random`, or a seeded one in tests. */
  readonly random: () => number
}

/**
 * How long to wait after the `attempt`th failure (counted from 1), in whole milliseconds.
 *
 * Exponential with full jitter, so that those who failed together do not come back together. The wait lies between half
 * of `baseMs` (at least 1 ms, so that it is never an immediate retry) and min(capMs, baseMs · 2^(attempt-1)).
 */
export function backoffMs(attempt: number, { baseMs, capMs, random }: Backoff): number {
  const doublings = Math.min(Math.max(attempt - 1, 0), MAX_DOUBLINGS)
  const ceilingMs = Math.max(1, Math.min(capMs, baseMs * 2 ** doublings))
  const floorMs = Math.max(1, Math.min(ceilingMs, baseMs / 2))
  return Math.round(floorMs + random() * (ceilingMs - floorMs))
}
