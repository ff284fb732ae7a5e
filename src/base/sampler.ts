import { type Clock, systemClock } from './clock.ts'

export interface SamplerShape {
  /** How many lines a second in the long run; may be a fraction. */
  readonly perSecond: number
  /** How many lines may come at once after a quiet time. */
  readonly burst: number
  readonly clock?: Clock
}

export interface Sampler {
  /** Permission to write one line, with the number of lines kept back since the last one; null: keep this one back too. */
  allow(): { readonly suppressed: number } | null
}

/** A token bucket for log lines that a stranger can provoke, so that a flood of forgeries cannot become a flood of logs. */
export function createSampler({ perSecond, burst, clock = systemClock }: SamplerShape): Sampler {
  let tokens = burst
  let filledAtMs = clock.monotonicMs()
  let suppressed = 0
  return {
    allow: () => {
      const nowMs = clock.monotonicMs()
      tokens = Math.min(burst, tokens + ((nowMs - filledAtMs) / 1_000) * perSecond)
      filledAtMs = nowMs
      if (tokens < 1) {
        suppressed += 1
        return null
      }
      tokens -= 1
      const permission = { suppressed }
      suppressed = 0
      return permission
    },
  }
}
