import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { propertyRuns } from '../../test/support/property-runs.ts'
import { manualClock } from '../base/clock.ts'
import { Insurance } from './insurance.ts'
import { judge } from './window.ts'

const RULE = { points: 3, seconds: 10 }

describe('the insurance', () => {
  it('lets at most the limit through in every window, each caller by itself, and all again in the next', () => {
    const step = fc.record({
      caller: fc.constantFrom('a', 'b', 'c'),
      points: fc.integer({ min: 1, max: 4 }),
      waitMs: fc.constantFrom(0, 1, 4_999, 9_999, 10_000),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const clock = manualClock(0)
        const insurance = new Insurance(clock)
        const began = new Map<string, { atMs: number; used: number }>()
        for (const { caller, points, waitMs } of steps) {
          clock.advance(waitMs)
          const nowMs = clock.monotonicMs()
          const last = began.get(caller)
          const window = last && nowMs < last.atMs + 10_000 ? last : { atMs: nowMs, used: 0 }
          began.set(caller, window)
          window.used += points
          const verdict = judge('bid', RULE, insurance.take(caller, points, RULE))
          const resetMs = window.atMs + 10_000 - nowMs
          const allowed = window.used <= 3
          expect(verdict).toEqual({
            allowed,
            class: 'bid',
            limit: 3,
            remaining: Math.max(3 - window.used, 0),
            windowSeconds: 10,
            resetMs,
            retryAfterMs: allowed ? 0 : resetMs,
          })
        }
      }),
      propertyRuns(300),
    )
  })

  it('remembers so many callers and no more, and forgets the one whose window began first', () => {
    const clock = manualClock(0)
    const insurance = new Insurance(clock, 2)
    const used = (caller: string): number => insurance.take(caller, 1, RULE).used
    expect(['a', 'b', 'a', 'b'].map(used)).toEqual([1, 1, 2, 2])
    expect(used('c')).toBe(1)
    expect(used('b')).toBe(3)
    expect(used('a')).toBe(1)
  })

  it('forgets nobody for a caller whom it knows already', () => {
    const clock = manualClock(0)
    const insurance = new Insurance(clock, 2)
    const brief = { points: 3, seconds: 1 }
    insurance.take('long', 1, RULE)
    insurance.take('brief', 1, brief)
    clock.advance(2_000)
    expect(insurance.take('brief', 1, brief).used).toBe(1)
    expect(insurance.take('long', 1, RULE).used).toBe(2)
    // The renewed window is the younger one now.
    expect(insurance.take('other', 1, RULE).used).toBe(1)
    expect(insurance.take('brief', 1, brief).used).toBe(2)
    expect(insurance.take('long', 1, RULE).used).toBe(1)
  })
})
