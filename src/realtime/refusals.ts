import { problem } from '../base/problem.ts'
import type { TokenRefusal } from './token.ts'

type Headers = Readonly<Record<string, string>>

const CHALLENGE = 'Bearer realm="onceline"'
const RETRY_AFTER_SECONDS = '5'

/** What a person reads; no quotation marks and no backslash, since it also stands in WWW-Authenticate (RFC 6750 3). */
const WORDS: Readonly<Record<TokenRefusal, string>> = {
  too_long: 'The token is too long.',
  malformed: 'This is no token, or its claims cannot be read.',
  wrong_algorithm: 'The token must be signed with HS256.',
  unknown_extension: 'The token asks for an extension that is not known here.',
  bad_signature: 'The token was signed with another secret, or changed.',
  no_expiry: 'The token has no end (exp).',
  expired: 'The token is over (exp).',
  not_yet_valid: 'The token is not valid yet (nbf).',
  no_subject: 'The token names no user (sub or user_id).',
  subjects_differ: 'The token names two users (sub and user_id).',
  unknown_user_type: 'The token has no known user_type: customer, driver or admin.',
}

/** 401 without `error`: RFC 6750 3.1 gives none to whoever brought nothing. */
export function tokenRequired(requestId: string, headers: Headers = {}): Response {
  return problem({
    status: 401,
    code: 'token_required',
    detail: 'Send a token as Authorization: Bearer.',
    requestId,
    headers: { ...headers, 'www-authenticate': CHALLENGE },
  })
}

/** 401 with the reason, so that an app knows whether a fresh token (`expired`) would help. */
export function tokenRefused(reason: TokenRefusal, requestId: string, headers: Headers = {}): Response {
  const detail = WORDS[reason]
  const challenge = `${CHALLENGE}, error="invalid_token", error_description="${detail}"`
  return problem({
    status: 401,
    code: 'token_refused',
    detail,
    requestId,
    reason,
    headers: { ...headers, 'www-authenticate': challenge },
  })
}

export function originRefused(requestId: string): Response {
  return problem({
    status: 403,
    code: 'origin_refused',
    detail: 'Pages of this origin may not do this.',
    requestId,
    headers: { vary: 'Origin' },
  })
}

export function methodRefused(requestId: string): Response {
  return problem({
    status: 405,
    code: 'method_not_allowed',
    detail: 'Tickets are asked for with POST.',
    requestId,
    headers: { allow: 'POST, OPTIONS' },
  })
}

export function ticketsUnavailable(requestId: string): Response {
  return problem({
    status: 503,
    code: 'tickets_unavailable',
    detail: 'No tickets for the moment. Connect with the token itself, or try again.',
    requestId,
    headers: { 'retry-after': RETRY_AFTER_SECONDS },
  })
}
