import { createSign, generateKeyPairSync } from 'node:crypto'
import fc from 'fast-check'
import { compactVerify } from 'jose'
import { describe, expect, it } from 'vitest'
import { propertyRuns } from '../../../test/support/property-runs.ts'
import { base64Url, signToken, type TokenShape } from '../../../test/support/tokens.ts'
import { manualClock } from '../../base/clock.ts'
import { MAX_TOKEN_LENGTH, tokenRules, verifyToken } from './token.ts'

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

describe('attacks', () => {
  const [head = '', claims = '', signature = ''] = sign().split('.')
  const header = (members: Readonly<Record<string, unknown>>) => base64Url(JSON.stringify(members))

  it.each(['none', 'None', 'NONE', 'nOnE'])('alg %s, with and without a signature', async (alg) => {
    expect(await fate(`${header({ alg })}.${claims}.`)).toBe('wrong_algorithm')
    expect(await fate(`${header({ alg })}.${claims}.${signature}`)).toBe('wrong_algorithm')
    expect(await fate(sign({ header: { alg } }))).toBe('wrong_algorithm')
  })

  it.each([
    ['HS384', 'sha384'],
    ['HS512', 'sha512'],
    ['hs256', 'sha256'],
    ['RS256', 'sha256'],
    ['ES256', 'sha256'],
    ['EdDSA', 'sha256'],
    ['', 'sha256'],
    [null, 'sha256'],
    [['HS256'], 'sha256'],
  ] as const)('another algorithm, signed with the right secret: %j', async (alg, hash) => {
    const expected = typeof alg === 'string' && alg !== '' ? 'wrong_algorithm' : 'malformed'
    expect(await fate(sign({ header: { alg }, hash }))).toBe(expected)
  })

  it('a public key as the secret (RS/HS confusion), and a real RS256 signature', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
    expect(await fate(sign({ secret: pem }))).toBe('bad_signature')
    const signed = `${header({ alg: 'RS256' })}.${claims}`
    const real = createSign('sha256').update(signed).sign(privateKey, 'base64url')
    expect(await fate(`${signed}.${real}`)).toBe('wrong_algorithm')
  })

  it.each([
    { jwk: { kty: 'oct', k: 'AAAA' }, kid: '../../dev/null' },
    { jku: 'http://127.0.0.1/keys', x5u: 'http://127.0.0.1/cert' },
  ])('a key of its own in the header: %j', async (members) => {
    expect(await fate(sign({ secret: 'AAAA', header: members }))).toBe('bad_signature')
  })

  it.each([
    [{ crit: ['exp'], exp: 1 }, 'unknown_extension'],
    [{ crit: ['b64'], b64: true }, 'unknown_extension'],
    [{ crit: [] }, 'unknown_extension'],
    [{ crit: ['missing'] }, 'unknown_extension'],
  ])('extensions that must be understood: %j', async (members, expected) => {
    expect(await fate(sign({ header: members }))).toBe(expected)
  })

  it('an encrypted token (JWE has five parts), and a token in a token', async () => {
    expect(await fate(`${head}.${claims}.${claims}.${claims}.${signature}`)).toBe('malformed')
    expect(await fate(sign({ payload: sign() }))).toBe('malformed')
  })

  it.each([
    '',
    '.',
    '..',
    'a.b',
    `${head}.${claims}`,
    `${head}..${signature}`,
    `.${claims}.${signature}`,
    `${head}.${claims}.${signature}.`,
    ` ${head}.${claims}.${signature}`,
    `${head}.${claims}.${signature}\n`,
    `${head}.${claims}.${signature}=`,
    `${head}.${claims}.${signature.replace(/^./, '+')}`,
    `${head}.${claims}.${signature}é`,
    'null.null.null',
    `${base64Url('[]')}.${claims}.${signature}`,
    `${base64Url('{}')}.${claims}.${signature}`,
    `${base64Url('{"alg":"HS256"')}.${claims}.${signature}`,
  ])('no token: %j', async (text) => {
    expect(await fate(text)).toBe('malformed')
  })

  it('nothing beyond the longest is looked at', async () => {
    const padded = (length: number) => sign({ claims: { note: 'x'.repeat(length) } })
    expect(await fate(padded(2_000))).toBe('accepted')
    expect(await fate(padded(MAX_TOKEN_LENGTH))).toBe('too_long')
    expect(await fate('a'.repeat(1_000_000))).toBe('too_long')
  })
})

describe('any change', () => {
  const token = sign({ claims: { user_id: 'driver-1', nbf: NOW } })
  const characters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.+/= \n\u00e9']

  it('of one character, at every place, is refused', async () => {
    const changed = [...token].flatMap((own, place) =>
      characters
        .filter((other) => other !== own)
        // Every character at the last places, where bits are left over; a few elsewhere.
        .filter((_, index) => place > token.length - 3 || index % 16 === place % 16)
        .map((other) => token.slice(0, place) + other + token.slice(place + 1)),
    )
    const fates = await Promise.all(changed.map(fate))
    expect(fates.filter((one) => one === 'accepted')).toEqual([])
    expect(changed.length).toBeGreaterThan(900)
  })

  it('by cutting, doubling, swapping or adding is refused', async () => {
    const place = fc.nat(token.length - 1)
    const edit = fc.oneof(
      fc
        .tuple(place, place)
        .map(([a, b]) => token.slice(0, Math.min(a, b)) + token.slice(Math.max(a, b) + 1)),
      fc
        .tuple(place, fc.string({ unit: 'binary', minLength: 1 }))
        .map(([a, s]) => token.slice(0, a) + s + token.slice(a)),
      fc.string({ unit: 'binary', minLength: 1 }).map((s) => token + s),
      fc.shuffledSubarray(token.split('.'), { minLength: 3 }).map((parts) => parts.join('.')),
      fc.constant(token.toLowerCase()),
    )
    await fc.assert(
      fc.asyncProperty(edit, async (text) => {
        fc.pre(text !== token)
        expect(await fate(text)).not.toBe('accepted')
      }),
      propertyRuns(500),
    )
  })

  it('of the claims alone, whatever they are made, is a bad signature', async () => {
    const [head, , signature] = token.split('.')
    await fc.assert(
      fc.asyncProperty(fc.json(), async (json) => {
        expect(await fate(`${head}.${base64Url(json)}.${signature}`)).toBe('bad_signature')
      }),
      propertyRuns(200),
    )
  })

  it('any signed claims get a verdict, and an accepted one is what the claims say', async () => {
    const id = fc.oneof(fc.string({ maxLength: 40 }), fc.integer(), fc.constant(undefined), fc.constant(null))
    const time = fc.oneof(fc.integer({ min: NOW - 10, max: NOW + 10 }), fc.double(), fc.constant(undefined))
    const shape = { sub: id, user_id: id, exp: time, nbf: time, user_type: fc.constantFrom('driver', 'x') }
    await fc.assert(
      fc.asyncProperty(fc.record(shape), async (claims) => {
        const verdict = verifyToken(sign({ claims }), RULES)
        if (verdict.kind === 'refused') return
        const { userId, userType, expiresAtMs } = verdict.user
        for (const named of [claims.sub, claims.user_id])
          if (named !== undefined && named !== null && named !== '') expect(String(named)).toBe(userId)
        expect(userType).toBe(claims.user_type)
        expect(expiresAtMs).toBeGreaterThan(NOW_MS)
        expect(expiresAtMs).toBe(Math.floor(Number(claims.exp) * 1_000))
      }),
      propertyRuns(500),
    )
  })
})

describe('another reading of RFC 7515', () => {
  /** What a library says of the signature, with the two rules that are ours: HS256 alone, and no extension. */
  async function isSigned(token: string): Promise<boolean> {
    const keys = [CURRENT, PREVIOUS].map((secret) => new TextEncoder().encode(secret))
    const verdicts = keys.map((key) =>
      compactVerify(token, key, { algorithms: ['HS256'] }).then(
        ({ protectedHeader }) => protectedHeader.crit === undefined,
        () => false,
      ),
    )
    return (await Promise.all(verdicts)).includes(true)
  }

  it('finds the same tokens signed, whatever their headers, secrets and damage', async () => {
    const headers = fc.record(
      {
        alg: fc.constantFrom('HS256', 'HS256', 'HS384', 'none', 'hs256', 1, null),
        crit: fc.constantFrom(['b64'], ['exp'], []),
        b64: fc.boolean(),
        kid: fc.string(),
        typ: fc.constantFrom('JWT', 'at+jwt', 7),
      },
      { requiredKeys: [] },
    )
    const damages = fc.constantFrom<(token: string) => string>(
      (token) => token,
      (token) => token.slice(0, -1),
      (token) => token.replace('.', '..'),
      (token) => token.split('.').slice(0, 2).join('.'),
      (token) => token.slice(1),
    )
    await fc.assert(
      fc.asyncProperty(
        headers,
        fc.constantFrom(CURRENT, PREVIOUS, 'another-secret'),
        damages,
        async (header, secret, damage) => {
          const token = damage(sign({ header, secret }))
          expect((await fate(token)) === 'accepted').toBe(await isSigned(token))
        },
      ),
      propertyRuns(300),
    )
  })
})
