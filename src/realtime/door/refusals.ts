import { problem } from '../../base/problem.ts'
import type { HandshakeProblem } from './handshake.ts'
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

/** One word for all: whoever tries tickets learns nothing of them. */
export function ticketRefused(requestId: string): Response {
  return problem({
    status: 401,
    code: 'ticket_refused',
    detail:
      'The ticket is none, was used, is over, or was issued to a page of another origin. Ask for a new one.',
    requestId,
    headers: { 'www-authenticate': CHALLENGE },
  })
}

const HANDSHAKE_ANSWERS: Readonly<
  Record<Exclude<HandshakeProblem, 'credential_missing'>, { status: number; detail: string }>
> = {
  unknown_path: { status: 404, detail: 'WebSockets are opened at / or /realtime.' },
  not_get: { status: 405, detail: 'A WebSocket is opened with GET.' },
  not_a_websocket: { status: 426, detail: 'Only WebSockets are opened here.' },
  bad_version: { status: 426, detail: 'Only version 13 of the WebSocket protocol is spoken.' },
  no_host: { status: 400, detail: 'The Host header is missing.' },
  bad_key: { status: 400, detail: 'Sec-WebSocket-Key must be 16 bytes as base64.' },
  bad_protocols: {
    status: 400,
    detail: 'Sec-WebSocket-Protocol must be a list of at most 8 different names.',
  },
  several_credentials: {
    status: 400,
    detail: 'Send one token or one ticket: in the query, the Authorization header or a subprotocol.',
  },
  bad_since: { status: 400, detail: 'since must be one number: the seq of the last message that was seen.' },
}

/** The status's own headers where RFC 9110 asks for one: 405 Allow, 426 Upgrade. */
export function handshakeRefused(
  code: Exclude<HandshakeProblem, 'credential_missing'>,
  requestId: string,
): Response {
  const { status, detail } = HANDSHAKE_ANSWERS[code]
  const headers =
    status === 426
      ? { upgrade: 'websocket', 'sec-websocket-version': '13' }
      : status === 405
        ? { allow: 'GET' }
        : {}
  return problem({ status, code, detail, requestId, headers })
}

/** Not 429's window that ends by itself: a seat comes back when a connection ends. */
export function seatsTaken(code: 'user_full' | 'network_full', requestId: string): Response {
  const detail =
    code === 'user_full'
      ? 'This user has as many connections as one may have.'
      : 'This address has as many connections as one may have.'
  return problem({
    status: 429,
    code: `connections_${code}`,
    detail,
    requestId,
    headers: { 'retry-after': RETRY_AFTER_SECONDS },
  })
}

/** The process is leaving or too busy; another one may have room. */
export function overloaded(requestId: string): Response {
  return problem({
    status: 503,
    code: 'overloaded',
    detail: 'No new connections at the moment. Try again.',
    requestId,
    headers: { 'retry-after': RETRY_AFTER_SECONDS },
  })
}
