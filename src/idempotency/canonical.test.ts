import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { propertyRuns } from '../../test/support/property-runs.ts'
import { canonicalJson } from './canonical.ts'

describe('canonicalJson', () => {
  it.each([
    ['members in another order', '{"a":1,"b":{"d":2,"c":3}}', ' {"b" : {"c":3,"d":2}, "a":1}\n'],
    ['a number written otherwise', '[1,100,0.5]', '[1.0,1e2,5e-1]'],
    ['a letter written otherwise', '"é"', '"\\u00e9"'],
  ])('is the same for %s', (_, a, b) => {
    expect(canonicalJson(a)).toBe(canonicalJson(b))
  })

  it.each([
    ['amounts that a double rounds to one', '[9007199254740993]', '[9007199254740992]'],
    ['fractions that a double rounds to one', '[0.10000000000000001]', '[0.1]'],
    ['numbers beyond all and null', '[1e999]', '[null]'],
    ['numbers beyond all', '[1e998]', '[1e999]'],
    ['a number and its text', '[1]', '["1"]'],
    ['a long number and its text', '[9007199254740993]', '["9007199254740993"]'],
    ['items in another order', '[1,2]', '[2,1]'],
    ['null and nothing', '{"a":null}', '{}'],
    ['a list and an object', '[]', '{}'],
    ['halves of different letters', '"\\ud800"', '"\\ud801"'],
    ['members called __proto__', '{"__proto__":1}', '{"__proto__":2}'],
    ['composed and decomposed letters', '"é"', '"e\\u0301"'],
  ])('tells %s apart', (_, a, b) => {
    expect(canonicalJson(a)).not.toBe(canonicalJson(b))
  })

  it('means the same value, and is the same for the same value however its members are ordered', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value)
        expect(JSON.parse(canonicalJson(text))).toEqual(JSON.parse(text))
        expect(canonicalJson(JSON.stringify(turned(value), null, 2))).toBe(canonicalJson(text))
      }),
      propertyRuns(1_000),
    )
  })

  it('is another one for another value', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 2 }), fc.jsonValue({ maxDepth: 2 }), (a, b) => {
        const [textA, textB] = [JSON.stringify(turned(turned(a))), JSON.stringify(turned(turned(b)))]
        if (canonicalJson(textA) === canonicalJson(textB))
          expect(JSON.parse(textA)).toEqual(JSON.parse(textB))
      }),
      propertyRuns(2_000),
    )
  })

  it('throws on what is no JSON, and on what is too deep to be walked', () => {
    expect(() => canonicalJson('{a:1}')).toThrow(SyntaxError)
    expect(() => canonicalJson('')).toThrow(SyntaxError)
    expect(() => canonicalJson('['.repeat(100_000) + ']'.repeat(100_000))).toThrow(RangeError)
  })
})

/** The same value with the members of every object in the opposite order. */
function turned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(turned)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, member]) => [name, turned(member)]),
  )
}
