import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { propertyRuns } from '../../test/support/property-runs.ts'
import { backoffMs } from './backoff.ts'

const lowest = (): number => 0
const highest = (): number => 1 - Number.EPSILON

describe('backoffMs', () => {
  it.each([
    [1, 500, 1_000],
    [2, 500, 2_000],
    [4, 500, 8_000],
    [7, 500, 60_000],
    [5_000, 500, 60_000],
  ])('after failure %i waits %i to %i ms', (attempt, floor, ceiling) => {
    const shape = { baseMs: 1_000, capMs: 60_000 }
    expect(backoffMs(attempt, { ...shape, random: lowest })).toBe(floor)
    expect(backoffMs(attempt, { ...shape, random: highest })).toBe(ceiling)
  })

  it('is a whole number of at least 1 ms and at most the cap, whatever it is given', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -5, max: 10_000 }),
        fc.integer({ min: 0, max: 100_000 }),
        fc.integer({ min: 1, max: 1_000_000 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (attempt, baseMs, capMs, chance) => {
          const wait = backoffMs(attempt, { baseMs, capMs, random: () => chance })
          expect(Number.isInteger(wait)).toBe(true)
          expect(wait).toBeGreaterThanOrEqual(1)
          expect(wait).toBeLessThanOrEqual(capMs)
        },
      ),
      propertyRuns(200),
    )
  })
})
