import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { propertyRuns } from '../../test/support/property-runs.ts'
import { fingerprint, type RecordScope, recordKey } from './key.ts'

const scope: RecordScope = {
  kind: 'webhook',
  tenant: 'stripe',
  actor: 'default',
  operation: 'event',
  key: 'evt_1',
}

/** Parts that look like the format's own marks, so that a missing length or separator would show. */
const part = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 6 }),
  fc.constantFrom('', ':', ';', '-', '-;', '0:;', '1:a;', 'a;1:b', '\0', 'é', 'e\u0301', ' '),
)
const parts = fc.array(fc.option(part), { maxLength: 5 })

describe('fingerprint', () => {
  it('is the same for the same parts and another for any other list', () => {
    fc.assert(
      fc.property(parts, parts, (a, b) => {
        const isSame = JSON.stringify(a) === JSON.stringify(b)
        expect(fingerprint('v1', a).equals(fingerprint('v1', b))).toBe(isSame)
      }),
      propertyRuns(5_000),
    )
  })

  it('knows where one part ends and the next begins', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 2, maxLength: 12 }), fc.nat(), fc.nat(), (text, i, j) => {
        const [first, second] = [i % (text.length + 1), j % (text.length + 1)]
        const cut = (at: number): Buffer => fingerprint('v1', [text.slice(0, at), text.slice(at)])
        expect(cut(first).equals(cut(second))).toBe(first === second)
      }),
      propertyRuns(1_000),
    )
  })

  it.each<[string, (string | null)[], (string | null)[]]>([
    ['null and the empty text', [null], ['']],
    ['null and its own mark', [null], ['-;']],
    ['an absent part and null', ['a'], ['a', null]],
    ['a part and its split', ['ab'], ['a', 'b']],
    ['parts in another order', ['a', 'b'], ['b', 'a']],
    ['a part that is spelt like two', ['a;1:b'], ['a', 'b']],
    ['composed and decomposed letters', ['é'], ['e\u0301']],
    ['upper and lower case', ['EGP'], ['egp']],
    ['trailing blanks', ['a'], ['a ']],
  ])('tells %s apart', (_, a, b) => {
    expect(fingerprint('v1', a).equals(fingerprint('v1', b))).toBe(false)
  })

  it('never matches that of another version, however the parts are cut', () => {
    expect(fingerprint('v1', ['a']).equals(fingerprint('v2', ['a']))).toBe(false)
    expect(fingerprint('v1', ['a', 'b']).equals(fingerprint('v1a', ['b']))).toBe(false)
  })
})

describe('recordKey', () => {
  it('is 32 bytes that stay the same for ever, since they are stored', () => {
    expect(recordKey(scope).toString('hex')).toBe(PINNED_KEY)
    expect(recordKey({ ...scope })).toHaveLength(32)
  })

  it.each<[string, Partial<RecordScope>]>([
    ['another door', { kind: 'http' }],
    ['another gateway', { tenant: 'kashier' }],
    ['another account', { actor: 'uk' }],
    ['another operation', { operation: 'other' }],
    ['another key', { key: 'evt_2' }],
    ['another case', { key: 'EVT_1' }],
    ['a trailing blank', { key: 'evt_1 ' }],
    ['two trailing blanks', { key: 'evt_1  ' }],
    ['a letter moved from one part to the next', { tenant: 'strip', actor: 'edefault' }],
    ['a part that is empty', { actor: '' }],
  ])('is another one for %s', (_, change) => {
    expect(recordKey({ ...scope, ...change }).equals(recordKey(scope))).toBe(false)
  })

  it('is another one for any other scope', () => {
    const any = fc.record({
      kind: fc.constantFrom<RecordScope['kind']>(
        'webhook',
        'webhook-conflict',
        'payment-ref',
        'http',
        'command',
      ),
      tenant: part,
      actor: part,
      operation: part,
      key: part,
    })
    fc.assert(
      fc.property(any, any, (a, b) => {
        const isSame = Object.entries(a).every(([name, value]) => b[name as keyof RecordScope] === value)
        expect(recordKey(a).equals(recordKey(b))).toBe(isSame)
      }),
      propertyRuns(2_000),
    )
  })
})

/** SHA-256 of `7:webhook;6:stripe;7:default;5:event;5:evt_1;`. */
const PINNED_KEY = '9f157d15e29172890ea560f79812c56482ff6d02ce0f58a4b44e36c6d25e88e7'
