import { describe, expect, it } from 'vitest'
import { AddressRanges } from '../base/addresses.ts'
import { judgeAccess } from './access.ts'

const NONE = new AddressRanges([])
const RULES = {
  keys: ['current', 'previous'],
  allowed: new AddressRanges(['10.0.0.0/8']),
  trustedProxies: NONE,
}
const HERE = { peer: '::ffff:10.0.0.1', forwardedFor: undefined }

describe('judgeAccess', () => {
  it.each([
    ['the key', { ...HERE, key: 'previous' }, { kind: 'allowed', keyIndex: 1, address: '10.0.0.1' }],
    ['no key', { ...HERE, key: undefined }, { kind: 'key_missing', address: '10.0.0.1' }],
    ['an empty key', { ...HERE, key: '' }, { kind: 'key_wrong', address: '10.0.0.1' }],
    [
      'a wrong address',
      { ...HERE, peer: '11.0.0.1', key: 'current' },
      { kind: 'address_refused', address: '11.0.0.1' },
    ],
    ['both wrong', { ...HERE, peer: '11.0.0.1', key: 'x' }, { kind: 'key_wrong', address: '11.0.0.1' }],
    [
      'nobody there',
      { ...HERE, peer: undefined, key: 'current' },
      { kind: 'address_refused', address: null },
    ],
  ])('%s', (_, claim, verdict) => {
    expect(judgeAccess(claim, RULES)).toEqual(verdict)
  })

  it('asks for no address where none is listed', () => {
    const claim = { peer: undefined, forwardedFor: undefined, key: 'current' }
    expect(judgeAccess(claim, { ...RULES, allowed: null })).toMatchObject({ kind: 'allowed', keyIndex: 0 })
    expect(judgeAccess({ ...HERE, key: 'current' }, { ...RULES, allowed: NONE })).toMatchObject({
      kind: 'address_refused',
    })
  })
})
