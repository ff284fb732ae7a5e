import { describe, expect, it } from 'vitest'
import { manualClock, systemClock } from './clock.ts'

describe('manualClock', () => {
  it('stands still until it is moved, then moves both clocks', () => {
    const clock = manualClock(1_000)
    expect([clock.nowMs(), clock.monotonicMs()]).toEqual([1_000, 0])
    clock.advance(250)
    expect([clock.nowMs(), clock.monotonicMs()]).toEqual([1_250, 250])
  })

  it('refuses to go back', () => {
    expect(() => manualClock(0).advance(-1)).toThrow(RangeError)
  })
})

describe('systemClock', () => {
  it('tells the time, and a monotonic time that does not go back', () => {
    expect(Math.abs(systemClock.nowMs() - Date.now())).toBeLessThan(1_000)
    const first = systemClock.monotonicMs()
    expect(systemClock.monotonicMs()).toBeGreaterThanOrEqual(first)
  })
})
