import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { propertyRuns } from '../../test/support/property-runs.ts'
import { parseKeyHeader } from './key-header.ts'

const visible = fc.string({
  unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
  minLength: 1,
  maxLength: 255,
})

describe('parseKeyHeader', () => {
  it.each([
    ['8e03978e-40d5-43e8-bc93-6894a57f9324', '8e03978e-40d5-43e8-bc93-6894a57f9324'],
    ['"8e03978e-40d5-43e8-bc93-6894a57f9324"', '8e03978e-40d5-43e8-bc93-6894a57f9324'],
    ['  "a" ', 'a'],
    ['"a\\"b\\\\c"', 'a"b\\c'],
    ['a"b\\c', 'a"b\\c'],
    ['K', 'K'],
    ['k'.repeat(255), 'k'.repeat(255)],
    [`"${'k'.repeat(255)}"`, 'k'.repeat(255)],
  ])('reads %s', (value, key) => {
    expect(parseKeyHeader(value)).toBe(key)
  })

  it.each([
    ['nothing', ''],
    ['blanks', '   '],
    ['an empty string', '""'],
    ['a key that is too long', 'k'.repeat(256)],
    ['a quoted key that is too long', `"${'k'.repeat(256)}"`],
    ['a blank inside', 'a b'],
    ['a blank inside quotes', '"a b"'],
    ['two headers that were joined', 'a, b'],
    ['a quote that does not end', '"a'],
    ['a quote that ends twice', '"a"b"'],
    ['parameters after the string', '"a";v=1'],
    ['an escape of something else', '"a\\n"'],
    ['a lone quote', '"'],
    ['an escaped end', '"a\\"'],
    ['letters beyond ASCII', 'é'],
    ['a control character', 'a\u007f'],
  ])('refuses %s', (_, value) => {
    expect(parseKeyHeader(value)).toBeNull()
  })

  it('reads bare and quoted as one key, and no two keys as one', () => {
    const quoted = (key: string): string => `"${key.replace(/["\\]/g, '\\$&')}"`
    fc.assert(
      fc.property(visible, visible, (a, b) => {
        expect(parseKeyHeader(quoted(a))).toBe(a)
        if (!a.startsWith('"')) expect(parseKeyHeader(a)).toBe(a)
        expect(parseKeyHeader(quoted(a)) === parseKeyHeader(quoted(b))).toBe(a === b)
      }),
      propertyRuns(1_000),
    )
  })
})
