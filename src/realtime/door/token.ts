import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../../base/clock.ts'
import { isUserId } from '../../feed/message.ts'

/** Whose app it is. `admin` is for the console. */
export const USER_TYPES = ['customer', 'driver', 'admin'] as const
export type UserType = (typeof USER_TYPES)[number]

/** Who holds a token, and until when it speaks for him (wall clock, milliseconds since 1970). */
export interface TokenUser {
  readonly userId: string
  readonly userType: UserType
  readonly expiresAtMs: number
}

/** Why a token is refused. The names are public: they stand in answers and metrics. */
export const TOKEN_REFUSALS = [
  'too_long',
  'malformed',
  'wrong_algorithm',
  'unknown_extension',
  'bad_signature',
  'no_expiry',
  'expired',
  'not_yet_valid',
  'no_subject',
  'subjects_differ',
  'unknown_user_type',
] as const
export type TokenRefusal = (typeof TOKEN_REFUSALS)[number]

/** `secretIndex` says which of the active secrets signed it, counted from 0. */
export type TokenVerdict =
  | { readonly kind: 'accepted'; readonly user: TokenUser; readonly secretIndex: number }
  | { readonly kind: 'refused'; readonly reason: TokenRefusal }

export interface TokenRules {
  /** JWT_SECRET and, during rotation, its predecessor. Without any every token is refused. */
  readonly keys: readonly KeyObject[]
  readonly clock: Clock
}

/** Laravel's tokens have some 400 characters; a query, where one may stand, is not made for more. */
export const MAX_TOKEN_LENGTH = 4_096
/**
 * How far Laravel's clock may be ahead of ours: tymon/jwt-auth sets `nbf` to the second of issue, so that without it a
 * token that is used at once would be refused. `exp` has no such grace: what is over is over.
 */
export const NOT_BEFORE_TOLERANCE_MS = 5_000

const ALGORITHM = 'HS256'
const SHAPE = /^[\w-]+\.[\w-]+\.[\w-]*$/
/** 32 bytes in 43 characters leave two bits over: were they not asked to be 0, four texts would be one signature. */
const CANONICAL_SIGNATURE = /\.[\w-]{42}[AEIMQUYcgkosw048]$/
/** The last moment that a Date can say. */
const MAX_TIME_MS = 8.64e15

/**
 * The secrets as tymon/jwt-auth uses them: the very characters of JWT_SECRET are the key's bytes (UTF-8), also where they
 * look like base64. The current one first.
 */
export function tokenRules(secrets: readonly string[], clock: Clock): TokenRules {
  return { keys: secrets.map((secret) => createSecretKey(secret, 'utf8')), clock }
}

/**
 * Does this text speak for a user, now? A JWS in compact form (RFC 7515), signed with HS256 and one of the active secrets,
 * whose claims name a user (`sub` or `user_id`; if both, the same), a `user_type`, and an `exp` to come. The signature is judged
 * before any claim is looked at. What the token says of its algorithm is never followed, and `crit` is refused whatever it
 * names (RFC 8725 3.1). Never throws for what a text may hold.
 */
export function verifyToken(text: string, { keys, clock }: TokenRules): TokenVerdict {
  if (text.length > MAX_TOKEN_LENGTH) return refused('too_long')
  if (!SHAPE.test(text)) return refused('malformed')
  const signed = verifySignature(text, keys)
  if (signed.kind === 'refused') return signed
  if (!CANONICAL_SIGNATURE.test(text)) return refused('malformed')
  const claims = readObject(signed.payload)
  if (claims === null) return refused('malformed')
  const user = judgeClaims(claims, clock.nowMs())
  return typeof user === 'string'
    ? refused(user)
    : { kind: 'accepted', user, secretIndex: signed.secretIndex }
}

type Signed =
  | { readonly kind: 'signed'; readonly payload: string; readonly secretIndex: number }
  | { readonly kind: 'refused'; readonly reason: TokenRefusal }

/** RFC 7515 5.2, for the one algorithm: the header is read to be judged, and never to be obeyed. */
function verifySignature(text: string, keys: readonly KeyObject[]): Signed {
  const [head = '', payload = '', signature = ''] = text.split('.')
  const header = readObject(head)
  if (typeof header?.alg !== 'string' || header.alg === '') return refused('malformed')
  if (header.alg !== ALGORITHM) return refused('wrong_algorithm')
  if (header.crit !== undefined) return refused('unknown_extension')
  const given = Buffer.from(signature, 'base64url')
  const signed = text.slice(0, text.lastIndexOf('.'))
  for (const [secretIndex, key] of keys.entries()) {
    const mac = createHmac('sha256', key).update(signed).digest()
    if (given.length === mac.length && timingSafeEqual(given, mac))
      return { kind: 'signed', payload, secretIndex }
  }
  return refused('bad_signature')
}

type Claims = Readonly<Record<string, unknown>>

const UTF8 = new TextDecoder('utf-8', { fatal: true })

/** A part of the token; null where it is no JSON object in UTF-8. */
function readObject(part: string): Claims | null {
  try {
    const value: unknown = JSON.parse(UTF8.decode(Buffer.from(part, 'base64url')))
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Claims) : null
  } catch {
    return null
  }
}

/** Whom the claims speak for at this moment, or why they speak for nobody. Pure. */
function judgeClaims(claims: Claims, nowMs: number): TokenUser | TokenRefusal {
  const { exp, nbf, user_type: type } = claims
  if (exp === undefined || exp === null) return 'no_expiry'
  const expiresAtMs = timeOf(exp)
  if (expiresAtMs === null) return 'malformed'
  if (nowMs >= expiresAtMs) return 'expired'
  const notBeforeMs = nbf === undefined || nbf === null ? 0 : timeOf(nbf)
  if (notBeforeMs === null) return 'malformed'
  if (nowMs < notBeforeMs - NOT_BEFORE_TOLERANCE_MS) return 'not_yet_valid'
  const subject = subjectOf(claims)
  if (subject.refusal !== null) return subject.refusal
  const userType = USER_TYPES.find((one) => one === type)
  if (userType === undefined) return 'unknown_user_type'
  return { userId: subject.userId, userType, expiresAtMs }
}

/** A NumericDate (RFC 7519 2) in milliseconds; it may have a fraction. null: it is none. */
function timeOf(value: unknown): number | null {
  if (typeof value !== 'number') return null
  const ms = Math.floor(value * 1_000)
  return Math.abs(ms) <= MAX_TIME_MS ? ms : null
}

type Subject =
  | { readonly refusal: null; readonly userId: string }
  | { readonly refusal: 'no_subject' | 'subjects_differ' | 'malformed' }

function subjectOf({ sub, user_id: userId }: Claims): Subject {
  const named = [sub, userId].filter((one) => one !== undefined && one !== null && one !== '')
  const ids = new Set(named.map(idOf))
  const [id] = ids
  if (id === undefined) return { refusal: 'no_subject' }
  if (id === null || ids.has(null)) return { refusal: 'malformed' }
  return ids.size === 1 ? { refusal: null, userId: id } : { refusal: 'subjects_differ' }
}

/** Laravel writes the key of its model: a uuid, or a number where the table counts. */
function idOf(value: unknown): string | null {
  const text = Number.isSafeInteger(value) ? String(value) : value
  return typeof text === 'string' && isUserId(text) ? text : null
}

function refused(reason: TokenRefusal): { readonly kind: 'refused'; readonly reason: TokenRefusal } {
  return { kind: 'refused', reason }
}
