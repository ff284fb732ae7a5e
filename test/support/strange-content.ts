import fc from 'fast-check'
import { formOf } from './signed-content.ts'
import { EDITS, type Edit, edited } from './strange-edits.ts'

/** A content that is made of a genuine one by changes, or one far from all of them. */
export type Strange = { readonly of: number; readonly edits: readonly Edit[] } | { readonly far: Buffer }

/** Now and then one far from everything genuine. */
export function anyStrange(): fc.Arbitrary<Strange> {
  const near = fc.record({ of: fc.nat(1_000), edits: fc.array(EDIT, { minLength: 1, maxLength: 4 }) })
  const far = fc.oneof(
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    fc.json().map((text) => Buffer.from(text)),
    fc.constantFrom(...ODD_CONTENTS).map((text) => Buffer.from(text, 'latin1')),
  )
  return fc.oneof(
    { weight: 9, arbitrary: near },
    { weight: 1, arbitrary: far.map((content) => ({ far: content })) },
  )
}

/** The content that is meant, without the changes after which it would not do. */
export function contentFrom(
  strange: Strange,
  genuine: readonly Buffer[],
  wouldDo: (content: Buffer) => boolean = () => true,
): Buffer {
  if ('far' in strange) return strange.far
  const base = genuine[strange.of % genuine.length] ?? Buffer.alloc(0)
  const form = formOf(base)
  return strange.edits.reduce((content, edit) => {
    const next = edited(content, form, edit)
    return wouldDo(next) ? next : content
  }, base)
}

/** A body near this genuine one, or far from it. */
export function anyBody(genuine: Buffer): fc.Arbitrary<Buffer> {
  return anyStrange().map((strange) => contentFrom(strange, [genuine]))
}

const ODD_CONTENTS = [
  '',
  'null',
  '[]',
  '""',
  '{}',
  '\xef\xbb\xbf{}',
  '{"a":"\xff"}',
  '['.repeat(100_000),
  `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`,
  `{"id":${'9'.repeat(400)}}`,
  '{"type":"TRANSACTION","obj":null}',
  '{"data":{"signatureKeys":["__proto__","constructor","toString"]}}',
  '{"__proto__":{"id":"evt_1","type":"payment.captured"}}',
  '{"events":[null,1,"a",[],{}]}',
  '{"notificationItems":[null,{"NotificationRequestItem":null}]}',
  '<a/>',
  `${'<a>'.repeat(1_000)}`,
  'a=1&a=2&%=%&=',
]

/** As JSON writes them: every type, the ends of numbers, texts that are nearly an amount, a time, a word or an id. */
const VALUES = [
  '1e400',
  '-1e400',
  '1e308',
  '1e-7',
  '-1',
  '-0',
  '0',
  '1.5',
  '0.1',
  '9007199254740993',
  '123456789012345678901234567890',
  'true',
  'false',
  'null',
  '[]',
  '{}',
  '[[[[[["a"]]]]]]',
  `${'['.repeat(2_000)}${']'.repeat(2_000)}`,
  '["a",["b"]]',
  '[null]',
  '{"__proto__":1}',
  '{"constructor":{"prototype":1}}',
  '{"toString":1,"valueOf":1}',
  '{"length":-1}',
  '"\\ud800"',
  '"\\udfff\\ud800"',
  '"\\u0000"',
  '"\\u202e"',
  '"é"',
  `"${'é'.repeat(200)}"`,
  `"${'a'.repeat(300)}"`,
  `"${'9'.repeat(5_000)}"`,
  '""',
  '" "',
  '"EGP"',
  '"XXX"',
  '"egp"',
  '"JPY"',
  '"KWD"',
  '"0"',
  '"-0.00"',
  '"1.5"',
  '"1,000.00"',
  '"1e3"',
  '"0x10"',
  '"+5"',
  '" 5 "',
  '"1."',
  '".5"',
  '"１２"',
  '"0.001"',
  '"99999999999999999999.99"',
  '"NaN"',
  '"Infinity"',
  '"__proto__"',
  '"constructor"',
  '"hasOwnProperty"',
  '"2026-13-45T99:99:99Z"',
  '"2026-02-30T00:00:00Z"',
  '"+275760-09-13T00:00:00Z"',
  '"0000-00-00 00:00:00"',
  '8640000000000001',
  '-62135596800001',
  '1e15',
  '%ff',
  '%',
  '"&lt;!ENTITY a SYSTEM \'file\'&gt;"',
]

const VALUE: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...VALUES) },
  { weight: 1, arbitrary: fc.json({ maxDepth: 3 }) },
)

/** Changes of fields more often than of bytes, after which little can be read. */
const EDIT: fc.Arbitrary<Edit> = fc.record({
  how: fc.oneof(
    { weight: 6, arbitrary: fc.constant('replace' as const) },
    {
      weight: 6,
      arbitrary: fc.constantFrom(...EDITS.filter((how) => !['bytes', 'cut', 'insert'].includes(how))),
    },
    { weight: 2, arbitrary: fc.constantFrom(...EDITS) },
  ),
  at: fc.nat(2 ** 24),
  value: VALUE,
})
