import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { propertyRuns } from '../test/support/property-runs.ts'
import { afterLoss } from './reconnect.ts'

const TEMPO = { baseMs: 500, capMs: 30_000, stableMs: 10_000 }
const after = (code: number, { reason = '', attempt = 0, random = 0.5 } = {}) =>
  afterLoss({ code, reason }, attempt, random, TEMPO)

describe('after a loss', () => {
  it('waits with full jitter, longer each time, up to the cap', () => {
    const most = (attempt: number) => after(1006, { attempt, random: 1 })
    expect([0, 1, 2, 5, 6, 60].map((attempt) => most(attempt))).toEqual(
      [500, 1_000, 2_000, 16_000, 30_000, 30_000].map((delayMs) => ({
        kind: 'retry',
        delayMs,
        isFirm: false,
      })),
    )
    expect(after(1006, { attempt: 6, random: 0 })).toMatchObject({ delayMs: 0 })
  })

  it('stops where another device has taken over', () => {
    expect(after(4409)).toEqual({ kind: 'stop', why: 'replaced' })
  })

  it('comes back at once to resume, and for new credentials; but not twice in a row', () => {
    for (const code of [4408, 4401, 4403]) {
      expect(after(code)).toEqual({ kind: 'retry', delayMs: 0, isFirm: false })
      expect(after(code, { attempt: 1 })).toMatchObject({ delayMs: 500 })
    }
  })

  it('waits as long as the server asks, and some more so that not all come at once', () => {
    const asked = (code: number, reason: string, random: number) => after(code, { reason, random })
    for (const code of [1012, 1013]) {
      expect(asked(code, '{"retryAfterMs":4000}', 0)).toEqual({ kind: 'retry', delayMs: 4_000, isFirm: true })
      expect(asked(code, '{"retryAfterMs":4000}', 1)).toEqual({ kind: 'retry', delayMs: 6_000, isFirm: true })
      expect(asked(code, '{"retryAfterMs":1e12}', 0)).toMatchObject({ delayMs: 300_000 })
    }
  })

  it.each(['', 'soon', '{}', 'null', '{"retryAfterMs":-1}', '{"retryAfterMs":"1"}'])(
    'backs off where the reason is %o',
    (reason) => {
      expect(after(1012, { reason })).toEqual({ kind: 'retry', delayMs: 250, isFirm: false })
    },
  )

  it('stays away longer after too many messages', () => {
    expect(after(4429, { random: 0 })).toEqual({ kind: 'retry', delayMs: 5_000, isFirm: true })
    expect(after(4429, { random: 1, attempt: 9 })).toEqual({ kind: 'retry', delayMs: 40_000, isFirm: true })
  })

  it('never waits for ever, whatever the server says', () => {
    fc.assert(
      fc.property(
        fc.nat(5_000),
        fc.string(),
        fc.nat(1_000),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (...args) => {
          const [code, reason, attempt, random] = args
          const decision = afterLoss({ code, reason }, attempt, random, TEMPO)
          if (decision.kind === 'stop') expect(code).toBe(4409)
          else {
            expect(decision.delayMs).toBeGreaterThanOrEqual(0)
            expect(decision.delayMs).toBeLessThanOrEqual(450_000)
          }
        },
      ),
      propertyRuns(500),
    )
  })
})
