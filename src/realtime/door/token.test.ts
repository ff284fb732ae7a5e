import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { signToken, type TokenShape } from '../../../test/support/tokens.ts'
import { manualClock } from '../../base/clock.ts'
import { tokenRules, USER_TYPES, verifyToken } from './token.ts'

const CURRENT = 'c0ffee-jwt-5ecret-of-32-characters-or-more'
const PREVIOUS = 'an-0lder-jwt-5ecret-of-32-characters-or-more'
const NOW_MS = 1_796_000_000_000
const NOW = NOW_MS / 1_000
const RULES = tokenRules([CURRENT, PREVIOUS], manualClock(NOW_MS))

function sign(shape: Partial<TokenShape> = {}): string {
  return signToken({ secret: CURRENT, nowMs: NOW_MS, ...shape })
}

/** `accepted`, or the reason. */
async function fate(token: string): Promise<string> {
  const verdict = verifyToken(token, RULES)
  return verdict.kind === 'accepted' ? verdict.kind : verdict.reason
}

describe('a token', () => {
  it('says who holds it, until when, and which secret signed it', async () => {
    expect(verifyToken(sign(), RULES)).toEqual({
      kind: 'accepted',
      user: { userId: 'driver-1', userType: 'driver', expiresAtMs: NOW_MS + 3_600_000 },
      secretIndex: 0,
    })
    expect(verifyToken(sign({ secret: PREVIOUS }), RULES)).toMatchObject({
      kind: 'accepted',
      secretIndex: 1,
    })
  })

  it.each(USER_TYPES)('is for a %s', async (userType) => {
    const verdict = verifyToken(sign({ claims: { user_type: userType } }), RULES)
    expect(verdict).toMatchObject({ user: { userType } })
  })

  it.each([
    [{ sub: 42 }, '42'],
    [{ sub: undefined, user_id: 'u-1' }, 'u-1'],
    [{ sub: '42', user_id: 42 }, '42'],
    [{ sub: null, user_id: 7 }, '7'],
    [{ sub: '7f0c2a4e-55aa-4b1f-9d3f-0a1b2c3d4e5f' }, '7f0c2a4e-55aa-4b1f-9d3f-0a1b2c3d4e5f'],
  ])('names its user by %j', async (claims, userId) => {
    expect(verifyToken(sign({ claims }), RULES)).toMatchObject({ user: { userId } })
  })

  it('takes the characters of the secret as the key, also where they are base64', async () => {
    const secret = Buffer.alloc(32, 7).toString('base64')
    const rules = tokenRules([secret], manualClock(NOW_MS))
    expect(verifyToken(sign({ secret }), rules)).toMatchObject({ kind: 'accepted' })
    const decoded = signWith(Buffer.from(secret, 'base64'))
    expect(verifyToken(decoded, rules)).toMatchObject({ reason: 'bad_signature' })
  })

  it('of nobody knows which secret is refused, and without secrets every one', async () => {
    expect(await fate(sign({ secret: 'another' }))).toBe('bad_signature')
    expect(verifyToken(sign(), tokenRules([], manualClock(NOW_MS)))).toMatchObject({
      reason: 'bad_signature',
    })
  })
})

describe('time', () => {
  it.each([
    ['the last millisecond', { exp: NOW + 0.001 }, 'accepted'],
    ['the very end', { exp: NOW }, 'expired'],
    ['long ago', { exp: 1 }, 'expired'],
    ['before 1970', { exp: -1 }, 'expired'],
    ['no end', { exp: undefined }, 'no_expiry'],
    ['null', { exp: null }, 'no_expiry'],
    ['an end in words', { exp: `${NOW + 60}` }, 'malformed'],
    ['an end after all days', { exp: 1e300 }, 'malformed'],
    ['a beginning that has been', { nbf: NOW }, 'accepted'],
    ['a clock that is ahead of ours by five seconds', { nbf: NOW + 5 }, 'accepted'],
    ['by more', { nbf: NOW + 5.001 }, 'not_yet_valid'],
    ['a beginning in words', { nbf: 'now' }, 'malformed'],
    ['issued in times to come, which RFC 7519 does not forbid', { iat: NOW + 9_999 }, 'accepted'],
  ])('%s', async (_, claims, expected) => {
    expect(await fate(sign({ claims }))).toBe(expected)
  })
})

describe('what names no user', () => {
  it.each([
    [{ sub: undefined }, 'no_subject'],
    [{ sub: '' }, 'no_subject'],
    [{ sub: null, user_id: '' }, 'no_subject'],
    [{ sub: 'driver-1', user_id: 'driver-2' }, 'subjects_differ'],
    [{ sub: '1', user_id: 2 }, 'subjects_differ'],
    [{ sub: 'a b' }, 'malformed'],
    [{ sub: 'x'.repeat(37) }, 'malformed'],
    [{ sub: 'line\nbreak' }, 'malformed'],
    [{ sub: ['driver-1'] }, 'malformed'],
    [{ sub: true }, 'malformed'],
    [{ sub: 1.5 }, 'malformed'],
    [{ sub: 'driver-1', user_id: {} }, 'malformed'],
    [{ user_type: undefined }, 'unknown_user_type'],
    [{ user_type: 'Driver' }, 'unknown_user_type'],
    [{ user_type: 'toString' }, 'unknown_user_type'],
    [{ user_type: ['driver'] }, 'unknown_user_type'],
  ])('%j', async (claims, expected) => {
    expect(await fate(sign({ claims }))).toBe(expected)
  })

  it.each([
    'null',
    '[]',
    '"driver-1"',
    '1',
    '',
    '{',
    '{"sub":"a"}x',
    Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
  ])('signed claims that are no object: %j', async (payload) => {
    // Nothing at all is not even a token's shape.
    expect(await fate(sign({ payload }))).toBe('malformed')
  })

  it('claims that a prototype would have to lend', async () => {
    const exp = NOW + 60
    const payload = `{"__proto__":{"sub":"driver-1","user_type":"driver"},"exp":${exp}}`
    expect(await fate(sign({ payload }))).toBe('no_subject')
  })
})

function signWith(key: Buffer): string {
  const signed = sign().split('.').slice(0, 2).join('.')
  return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`
}
