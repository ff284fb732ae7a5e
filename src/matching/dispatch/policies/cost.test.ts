import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { propertyRuns } from '../../../../test/support/property-runs.ts'
import { candidateOf } from '../../../../test/support/waiting-trips.ts'
import { DEFAULT_SETTINGS } from '../settings.ts'
import { costOf, UNKNOWN_ACCEPTANCE } from './cost.ts'

const { weights } = DEFAULT_SETTINGS
const cost = (known: Parameters<typeof candidateOf>[1]) => costOf(candidateOf('driver-1', known), weights)
/** Any number at all, as a foreign estimator may give it. */
const anything = fc.oneof(fc.double(), fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -1))

describe('the cost of a pair', () => {
  it('is the time to the pickup for who is fresh, willing and has waited for an hour', () => {
    expect(cost({ etaSeconds: 90, acceptanceRate: 1, idleSeconds: 3_600 })).toBe(90)
  })

  it('grows with what the weights say', () => {
    const willing = { etaSeconds: 90, acceptanceRate: 1, idleSeconds: 3_600 }
    expect(cost({ ...willing, acceptanceRate: 0.5 })).toBe(90 + weights.declines / 2)
    expect(cost({ ...willing, idleSeconds: 1_800 })).toBe(90 + weights.idle / 2)
    expect(cost({ ...willing, positionAgeMs: 4_500 })).toBe(90 + weights.age * 4.5)
  })

  it('takes who was never asked for one of the many', () => {
    expect(cost({ acceptanceRate: null })).toBe(cost({ acceptanceRate: UNKNOWN_ACCEPTANCE }))
  })

  it('is finite and not negative, whatever it is made of', () => {
    const property = fc.property(anything, anything, anything, anything, (eta, age, rate, idle) => {
      const found = cost({ etaSeconds: eta, positionAgeMs: age, acceptanceRate: rate, idleSeconds: idle })
      expect(Number.isFinite(found) && found >= 0).toBe(true)
    })
    fc.assert(property, propertyRuns(1_000))
  })

  it('never falls where something gets worse', () => {
    const known = fc.record({
      etaSeconds: fc.double({ min: 0, max: 5_000, noNaN: true }),
      positionAgeMs: fc.double({ min: 0, max: 100_000, noNaN: true }),
      acceptanceRate: fc.double({ min: 0, max: 1, noNaN: true }),
      idleSeconds: fc.double({ min: 0, max: 7_200, noNaN: true }),
    })
    const property = fc.property(known, known, (a, b) => {
      const worse = {
        etaSeconds: Math.max(a.etaSeconds, b.etaSeconds),
        positionAgeMs: Math.max(a.positionAgeMs, b.positionAgeMs),
        acceptanceRate: Math.min(a.acceptanceRate, b.acceptanceRate),
        idleSeconds: Math.min(a.idleSeconds, b.idleSeconds),
      }
      expect(cost(worse)).toBeGreaterThanOrEqual(Math.max(cost(a), cost(b)))
    })
    fc.assert(property, propertyRuns(1_000))
  })
})
