import { timingSafeEqual } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { propertyRuns } from '../../test/support/property-runs.ts'
import { matchingKey } from './api-key.ts'

const KEYS = ['the-current-key-of-today', 'the-previous-key-of-yesterday']

describe('matchingKey', () => {
  it.each([
    ['the current one', KEYS[0], 0],
    ['the previous one', KEYS[1], 1],
    ['a beginning', KEYS[0]?.slice(0, -1), null],
    ['a longer one', `${KEYS[0]}x`, null],
    ['nothing', '', null],
    ['both', KEYS.join(', '), null],
  ])('knows %s', (_, given = '', index) => {
    expect(matchingKey(given, KEYS)).toBe(index)
  })

  it('knows nobody where there is no key, not even with an empty one', () => {
    expect(matchingKey('', [])).toBeNull()
  })

  it('compares every key in constant time, whichever matches', () => {
    for (const given of [...KEYS, 'neither', '']) {
      const lengths: number[] = []
      matchingKey(given, KEYS, (a, b) => {
        lengths.push(a.byteLength, b.byteLength)
        return timingSafeEqual(a, b)
      })
      expect([given, lengths]).toEqual([given, [32, 32, 32, 32]])
    }
  })

  it('matches a key only with itself', () => {
    fc.assert(
      fc.property(fc.string(), fc.array(fc.string(), { maxLength: 3 }), (given, keys) => {
        const index = keys.indexOf(given)
        expect(matchingKey(given, keys)).toBe(index === -1 ? null : index)
      }),
      propertyRuns(300),
    )
  })
})
