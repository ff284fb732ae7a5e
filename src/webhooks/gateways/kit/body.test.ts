import { describe, expect, it } from 'vitest'
import { dateOfSeconds } from './body.ts'

describe('dateOfSeconds', () => {
  it.each([
    [0, new Date(0)],
    [1_790_000_000.5, new Date(1_790_000_000_500)],
    [-30_610_224_000, new Date('1000-01-01T00:00:00Z')],
    [253_402_300_799, new Date('9999-12-31T23:59:59Z')],
  ])('%s is %s', (seconds, expected) => {
    expect(dateOfSeconds(seconds)).toEqual(expected)
  })

  it.each([
    -30_610_224_001,
    253_402_300_800,
    8.64e12,
    1e300,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    '0',
    null,
  ])('%s is no date that the database keeps', (seconds) => {
    expect(dateOfSeconds(seconds)).toBeNull()
  })
})
