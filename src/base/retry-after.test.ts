import { describe, expect, it } from 'vitest'
import { retryAfterMs } from './retry-after.ts'

const NOW_MS = Date.parse('2026-11-30T12:00:00Z')

describe('Retry-After', () => {
  it.each([
    ['30', 30_000],
    [' 30 ', 30_000],
    ['0', 0],
    ['999999', 3_600_000],
    ['9'.repeat(400), 3_600_000],
    ['Mon, 30 Nov 2026 12:00:45 GMT', 45_000],
    ['Monday, 30-Nov-26 12:00:45 GMT', 45_000],
    ['Mon, 30 Nov 2026 11:00:00 GMT', 0],
    ['Tue, 01 Dec 2026 12:00:00 GMT', 3_600_000],
    ['Mon, nonsense', 0],
    ['1.5', 0],
    ['-5', 0],
    ['soon', 0],
    ['', 0],
    [null, 0],
  ])('%j is %i ms', (header, waitMs) => {
    expect(retryAfterMs(header, NOW_MS)).toBe(waitMs)
  })
})
