import { describe, expect, it } from 'vitest'
import { binsOf, giniOf, spreadOf } from './statistics.ts'

describe('statistics', () => {
  it('tell the mean, the middle, the 95th of a hundred and the worst', () => {
    const hundred = Array.from({ length: 100 }, (_, index) => 100 - index)
    expect(spreadOf(hundred)).toEqual({ count: 100, mean: 50.5, p50: 50, p95: 95, worst: 100 })
    expect(spreadOf([7])).toEqual({ count: 1, mean: 7, p50: 7, p95: 7, worst: 7 })
    expect(spreadOf([])).toBeNull()
  })

  it('tell how unevenly work is shared', () => {
    expect(giniOf([3, 3, 3, 3])).toBeCloseTo(0)
    expect(giniOf([0, 0, 0, 8])).toBeCloseTo(0.75)
    expect(giniOf([1, 3])).toBeCloseTo(0.25)
    expect(giniOf([0, 0])).toBe(0)
    expect(giniOf([])).toBe(0)
  })

  it('count into bins, the last of which takes the rest', () => {
    expect(binsOf([0, 0.4, 1, 2.5, 9], 1, 4).map(({ count }) => count)).toEqual([2, 1, 1, 1])
    expect(binsOf([], 1, 4)).toEqual([{ from: 0, to: 1, count: 0 }])
  })
})
