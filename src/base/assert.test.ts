import { expect, it } from 'vitest'
import { assert, assertNever, BrokenInvariant } from './assert.ts'

it('throws only when the condition does not hold', () => {
  expect(() => assert(true, 'holds')).not.toThrow()
  expect(() => assert(false, 'the sum is 3')).toThrow(new BrokenInvariant('the sum is 3'))
})

it('names the member that no type knows, a bigint too', () => {
  expect(() => assertNever('teleported' as never)).toThrow(BrokenInvariant)
  expect(() => assertNever(7n as never)).toThrow('unexpected member: 7')
})
