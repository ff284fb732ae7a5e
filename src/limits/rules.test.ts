import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { propertyRuns } from '../../test/support/property-runs.ts'
import { describeLimitRule, parseLimitRule } from './rules.ts'

describe('a rule', () => {
  it('is read as it is written', () => {
    const rules = fc.record({
      points: fc.integer({ min: 1, max: 1_000_000 }),
      seconds: fc.integer({ min: 1, max: 86_400 }),
    })
    fc.assert(
      fc.property(fc.option(rules), (rule) => {
        expect(parseLimitRule(describeLimitRule(rule))).toEqual(rule)
      }),
      propertyRuns(300),
    )
  })

  it.each([
    '',
    '60',
    '60/',
    '/60',
    '0/60',
    '60/0',
    '1000001/60',
    '60/86401',
    '-1/60',
    '1.5/60',
    '6e2/60',
    'on',
  ])('is not made of %j', (text) => expect(parseLimitRule(text)).toBeUndefined())
})
