import { describe, expect, it } from 'vitest'
import { type ClaimVerdict, decideClaim, type StoredClaim } from './decide.ts'

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

function claim(who: string, content: string): StoredClaim {
  return { claim: Buffer.from(who), fingerprint: Buffer.from(content) }
}
