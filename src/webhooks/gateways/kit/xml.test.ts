import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { childOf, readXml, textOf } from './xml.ts'

describe('readXml', () => {
  it('reads elements and text, with or without a declaration', () => {
    const document =
      '<?xml version="1.0" encoding="UTF-8"?>\n<a type="x"> <b>1</b><c nil="true"/><b-2 >é</b-2></a >\n'
    const root = readXml(document)
    expect(root?.children.map(({ name }) => name)).toEqual(['b', 'c', 'b-2'])
    expect([textOf(root, 'b'), textOf(root, 'c'), textOf(root, 'b-2')]).toEqual(['1', null, 'é'])
  })

  it.each([
    '',
    'text',
    '<a>',
    '</a>',
    '<a></b>',
    '<a/><b/>',
    '<a/>text',
    '<a b=c></a>',
    "<a b='c'></a>",
    '<a><b></a></b>',
    '<a></a x="1">',
    '<a><!-- comment --></a>',
    '<a><![CDATA[x]]></a>',
    '<a><?php x?></a>',
    '<!DOCTYPE a><a/>',
    '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
    `${'<a>'.repeat(33)}${'</a>'.repeat(33)}`,
    `<a>${'<b/>'.repeat(5_000)}</a>`,
  ])('refuses %j', (document) => {
    expect(readXml(document)).toBeNull()
  })

  it('expands no entity, and takes no text that holds one', () => {
    const root = readXml('<a><b>x &amp; y</b><c>&lol;</c><d>1</d></a>')
    expect(childOf(root, 'b')?.text).toBe('x &amp; y')
    expect([textOf(root, 'b'), textOf(root, 'c'), textOf(root, 'd')]).toEqual([null, null, '1'])
  })

  it('takes none of two', () => {
    const root = readXml('<a><b>1</b><b>2</b><c>x<d/></c></a>')
    expect([textOf(root, 'b'), textOf(root, 'c')]).toEqual([null, null])
  })

  it('answers anything within its time, without throwing', () => {
    const piece = fc.constantFrom(
      '<a',
      '<a>',
      '</a>',
      '<b c="d"',
      '/>',
      '>',
      '<',
      '&',
      ' ',
      '"',
      '=',
      '<!',
      '<?xml ',
      'x',
    )
    const document = fc.oneof(
      fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join('')),
      fc.string(),
    )
    fc.assert(
      fc.property(document, (text) => {
        readXml(text)
      }),
      { numRuns: 1_000 },
    )
    for (const long of [
      `<a${' '.repeat(500_000)}`,
      '<a b="'.repeat(100_000),
      '<'.repeat(500_000),
      `<a ${'b="" '.repeat(100_000)}`,
    ])
      expect(readXml(long)).toBeNull()
  })
})
