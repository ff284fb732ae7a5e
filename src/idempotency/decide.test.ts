import { describe, expect, it } from 'vitest'
import {
  type ClaimVerdict,
  decideClaim,
  decideRecord,
  type RecordState,
  type RecordVerdict,
  type StoredClaim,
} from './decide.ts'

const mine = claim('me', 'content')

describe('decideClaim', () => {
  it.each<[string, StoredClaim | undefined, ClaimVerdict]>([
    ['nothing', undefined, 'absent'],
    ['my claim', claim('me', 'content'), 'stored'],
    ['my claim under another content, which only I can have written', claim('me', 'other'), 'stored'],
    ["another's claim for the same content", claim('you', 'content'), 'duplicate'],
    ["another's claim for other content", claim('you', 'other'), 'conflict'],
    ["another's claim that begins like mine", claim('me too', 'content'), 'duplicate'],
    ["another's claim for content that begins like mine", claim('you', 'content and more'), 'conflict'],
    ["another's claim for nothing", claim('you', ''), 'conflict'],
  ])('reads %s', (_, found, verdict) => {
    expect(decideClaim(mine, found)).toBe(verdict)
  })
})

describe('decideRecord', () => {
  it('lets a key that nobody has be executed', () => {
    expect(decideRecord(mine, undefined)).toBe('free')
  })

  it.each<[RecordState, boolean, RecordVerdict]>([
    ['running', false, 'in_flight'],
    ['running', true, 'orphaned'],
    ['done', false, 'replay'],
    ['pruned', false, 'expired'],
  ])("reads another's record that is %s (lease over: %s)", (state, isLeaseOver, verdict) => {
    expect(decideRecord(mine, { ...claim('you', 'content'), state, isLeaseOver })).toBe(verdict)
  })

  const states = ['running', 'done', 'pruned'] as const
  it.each(states)('compares the content before it reads that the record is %s', (state) => {
    for (const isLeaseOver of [false, true]) {
      expect(decideRecord(mine, { ...claim('you', 'other'), state, isLeaseOver })).toBe('mismatch')
      expect(decideRecord(mine, { ...mine, state, isLeaseOver })).toBe('mine')
    }
  })
})

function claim(who: string, content: string): StoredClaim {
  return { claim: Buffer.from(who), fingerprint: Buffer.from(content) }
}
