import { describe, expect, it } from 'vitest'
import { limitHeaders, secondsUp } from './headers.ts'
import { judge, unlimited } from './window.ts'

const RULE = { points: 100, seconds: 60 }

describe('the header fields', () => {
  it.each([
    [{ used: 1, leftMs: 60_000 }, '"bid";r=99;t=60'],
    [{ used: 100, leftMs: 30_001 }, '"bid";r=0;t=31'],
    [{ used: 5_000, leftMs: 1 }, '"bid";r=0;t=1'],
    [{ used: 1, leftMs: 0 }, '"bid";r=99;t=1'],
  ])('of %j', (window, expected) => {
    expect(limitHeaders(judge('bid', RULE, window))).toEqual({
      'RateLimit-Policy': '"bid";q=100;w=60',
      RateLimit: expected,
    })
  })

  it('say nothing of a class that is not limited', () => {
    expect(limitHeaders(unlimited('bid'))).toBeNull()
  })

  it('never name a moment too early', () => {
    for (const ms of [1, 999, 1_000, 1_001]) expect(secondsUp(ms) * 1_000).toBeGreaterThanOrEqual(ms)
  })
})

describe('a verdict', () => {
  it('of a refusal always says to wait', () => {
    expect(judge('bid', RULE, { used: 101, leftMs: 0 })).toMatchObject({ allowed: false, retryAfterMs: 1 })
    expect(judge('bid', RULE, { used: 100, leftMs: 9 })).toMatchObject({ allowed: true, retryAfterMs: 0 })
  })
})
