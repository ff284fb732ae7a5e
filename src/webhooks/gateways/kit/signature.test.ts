import { describe, expect, it } from 'vitest'
import type { GatewayAccount } from '../adapter.ts'
import { decodeBase64, decodeHex, findHexSecret, findSecret, sameBytes } from './signature.ts'

describe('sameBytes', () => {
  it('compares, and does not throw where lengths differ', () => {
    expect(sameBytes(Buffer.from('ab'), Buffer.from('ab'))).toBe(true)
    expect(sameBytes(Buffer.from('ab'), Buffer.from('ac'))).toBe(false)
    expect(sameBytes(Buffer.from('ab'), Buffer.from('abc'))).toBe(false)
    expect(sameBytes(Buffer.alloc(0), Buffer.from('a'))).toBe(false)
  })
})

describe('decodeHex', () => {
  it('takes exactly the bytes asked for, in either case', () => {
    expect(decodeHex('aBcD', 2)).toEqual(Buffer.from([0xab, 0xcd]))
    for (const text of ['', 'ab', 'abcde', 'abcdef', 'abcg', ' bcd', 'abéé'])
      expect(decodeHex(text, 2)).toBeNull()
  })
})

describe('decodeBase64', () => {
  it('takes the standard alphabet only', () => {
    expect(decodeBase64('/+8=')).toEqual(Buffer.from([0xff, 0xef]))
    for (const text of ['', '_-8=', 'a b=', '====', 'ab\n', 'é']) expect(decodeBase64(text)).toBeNull()
  })
})

describe('findSecret', () => {
  function accountOf(...secrets: string[]): GatewayAccount {
    return { gateway: 'stripe', account: 'default', secrets, settings: {} }
  }

  it('gives the first match, and each secret its own key', () => {
    const account = accountOf('a', 'b', 'b')
    expect(findSecret(account, (_, secret) => secret === 'b')).toBe(1)
    expect(findSecret(account, (key) => key.export().toString() === 'b')).toBe(1)
  })

  it('passes over blank secrets', () => {
    expect(findSecret(accountOf('', ' ', '\t'), () => true)).toBe(-1)
    expect(findSecret(accountOf('', 'a'), () => true)).toBe(1)
    expect(findSecret(accountOf(), () => true)).toBe(-1)
  })

  it('reads keys in hex where the gateway gives them so, and matches none that is not', () => {
    const account = accountOf('', 'a', 'xy', 'aBcD')
    expect(findHexSecret(account, (key) => key.export().equals(Buffer.from([0xab, 0xcd])))).toBe(3)
    expect(findHexSecret(accountOf('', ' ', 'abc', 'xy'), () => true)).toBe(-1)
  })
})
