import fc from 'fast-check'
import { expect, it } from 'vitest'
import { propertyRuns } from '../../test/support/property-runs.ts'
import { minorToDecimal } from '../base/money.ts'
import { degrees, exactMinor, id, maybe, rideId, roundedMinor, stamp, traceId } from './bridge-fields.ts'

it.each([
  ['120.5', 'EGP', 12_050n],
  ['120.500', 'EGP', 12_050n],
  ['120.504', 'EGP', 12_050n],
  ['120.505', 'EGP', 12_051n],
  ['0.999', 'EGP', 100n],
  ['7', 'JPY', 7n],
  ['7.5', 'JPY', 8n],
  ['1.2344999', 'KWD', 1_234n],
  ['99999999999999999999', 'EGP', null],
  ['1', 'XXY', null],
] as const)('%s %s is rounded to %s', (text, currency, minor) => {
  expect(roundedMinor(text, currency)).toBe(minor)
})

it('what has no more digits than its currency is what it was, rounded or exact', () => {
  const amounts = fc.bigInt({ min: 0n, max: 10n ** 15n })
  fc.assert(
    fc.property(amounts, fc.constantFrom('EGP', 'JPY', 'KWD'), (minor, currency) => {
      const text = minorToDecimal(minor, currency)
      expect([roundedMinor(text, currency), exactMinor(text, currency)]).toEqual([minor, minor])
    }),
    propertyRuns(200),
  )
})

it('ids are texts or whole numbers, and a trip’s uuid is in lower case', () => {
  expect([id.parse(7), id.parse('aB')]).toEqual(['7', 'aB'])
  expect(rideId.parse('0193A5C0-0000-7000-8000-00000000ABCD')).toBe('0193a5c0-0000-7000-8000-00000000abcd')
  expect(rideId.parse('Ride-A')).toBe('Ride-A')
  for (const wrong of ['', 'a b', 'x'.repeat(37), 1.5, -1, null, {}])
    expect(id.safeParse(wrong).success).toBe(false)
})

it('what is null, empty or absent is absent; a stamp of another form, too', () => {
  for (const absent of [null, undefined, '']) expect(maybe(id).parse(absent)).toBeNull()
  expect([stamp.parse('t'), stamp.parse(5), stamp.parse({}), stamp.parse(undefined)]).toEqual([
    't',
    '5',
    null,
    null,
  ])
  expect([traceId.parse('t'), traceId.parse('a\nb'), traceId.parse(undefined)]).toEqual(['t', null, null])
})

it('degrees keep seven digits', () => {
  expect(degrees(90).parse('30.044419612345')).toBe(30.0444196)
  expect(degrees(90).safeParse('NaN').success).toBe(false)
  expect(degrees(90).safeParse(-90.5).success).toBe(false)
})
