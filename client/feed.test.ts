import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { propertyRuns } from '../test/support/property-runs.ts'
import { type FeedPosition, onAnswered, onNumbered, onReady, onReset } from './feed.ts'

const at = (last: number | null, isAsked = false): FeedPosition => ({ last, isAsked })

describe('a numbered message', () => {
  it.each<[FeedPosition, number, FeedPosition, string]>([
    [at(4), 5, at(5), 'deliver'],
    [at(4), 4, at(4), 'seen'],
    [at(4), 1, at(4), 'seen'],
    [at(4), 6, at(4, true), 'ask'],
    [at(4, true), 7, at(4, true), 'awaited'],
    [at(4, true), 5, at(5), 'deliver'],
    [at(0), 1, at(1), 'deliver'],
    [at(null), 9, at(null), 'seen'],
  ])('%o, number %i', (position, seq, next, verdict) => {
    expect(onNumbered(position, seq)).toEqual([next, verdict])
  })

  it('is asked for anew after the answer', () => {
    expect(onNumbered(onAnswered(at(4, true)), 7)).toEqual([at(4, true), 'ask'])
  })

  it('is delivered contiguously, whatever comes', () => {
    fc.assert(
      fc.property(fc.nat(20), fc.array(fc.nat(40)), (start, numbers) => {
        let position = at(start)
        const delivered: number[] = []
        for (const seq of numbers) {
          const [next, verdict] = onNumbered(position, seq)
          position = next
          if (verdict === 'deliver') delivered.push(seq)
        }
        expect(delivered).toEqual(delivered.map((_, index) => start + 1 + index))
      }),
      propertyRuns(500),
    )
  })
})

describe('ready', () => {
  it.each<[FeedPosition, { head: number; acked: number }, 'head' | 'acked', FeedPosition, string]>([
    [at(null), { head: 7, acked: 3 }, 'head', at(7), 'go_on'],
    [at(null), { head: 7, acked: 3 }, 'acked', at(3, true), 'ask'],
    [at(null), { head: 7, acked: 7 }, 'acked', at(7), 'go_on'],
    [at(5, true), { head: 7, acked: 3 }, 'acked', at(5), 'go_on'],
    [at(7), { head: 7, acked: 3 }, 'head', at(7), 'go_on'],
    [at(8), { head: 7, acked: 3 }, 'head', at(8), 'go_on'],
  ])('%o, %o, from %s', (position, data, start, next, verdict) => {
    expect(onReady(position, data, start)).toEqual([next, verdict])
  })

  it('is forgotten by a reset', () => {
    expect(onReset(9)).toEqual(at(9))
  })
})
