import { describe, expect, it } from 'vitest'
import { manualClock } from './clock.ts'
import { createSampler } from './sampler.ts'

describe('createSampler', () => {
  it('lets a burst through, then counts what it keeps back', () => {
    const clock = manualClock(0)
    const sampler = createSampler({ perSecond: 2, burst: 3, clock })
    const burst = Array.from({ length: 10 }, () => sampler.allow())
    expect(burst.filter((permission) => permission !== null)).toEqual(Array(3).fill({ suppressed: 0 }))
    clock.advance(499)
    expect(sampler.allow()).toBeNull()
    clock.advance(1)
    expect(sampler.allow()).toEqual({ suppressed: 8 })
    clock.advance(500)
    expect(sampler.allow()).toEqual({ suppressed: 0 })
  })

  it('saves up no more than a burst', () => {
    const clock = manualClock(0)
    const sampler = createSampler({ perSecond: 100, burst: 2, clock })
    clock.advance(3_600_000)
    const allowed = Array.from({ length: 5 }, () => sampler.allow()).filter((one) => one !== null)
    expect(allowed).toHaveLength(2)
  })
})
