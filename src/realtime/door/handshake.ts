import type { IncomingMessage } from 'node:http'

/** What an upgrade request brings, before anything of it is believed. */
export interface Handshake {
  readonly credential:
    | { readonly kind: 'token'; readonly text: string }
    | { readonly kind: 'ticket'; readonly text: string }
  /** The number after which the client wants to go on; null: from now on. */
  readonly since: number | null
}

/** Why an upgrade request cannot be one; the names are public. */
export type HandshakeProblem =
  | 'unknown_path'
  | 'not_get'
  | 'not_a_websocket'
  | 'bad_version'
  | 'no_host'
  | 'bad_key'
  | 'credential_missing'
  | 'several_credentials'
  | 'bad_since'
  | 'bad_protocols'

export type HandshakeReading =
  | { readonly kind: 'handshake'; readonly handshake: Handshake }
  | { readonly kind: 'refused'; readonly problem: HandshakeProblem }

export type HandshakeRequest = Pick<IncomingMessage, 'method' | 'url' | 'headers'>

/** `/` is what the apps and the README use; the other name is for proxies that route by path. */
const PATHS: ReadonlySet<string> = new Set(['/', '/realtime'])
/** The one protocol that is spoken; a client that sends its token as a protocol offers it too, so that the token is not sent back. */
export const SUBPROTOCOL = 'onceline.v1'
const TOKEN_PREFIX = 'bearer.'
const TICKET_PREFIX = 'ticket.'
/** A token, a ticket, and room for what an app offers beside them. */
const MAX_PROTOCOLS = 8
/** RFC 7230 3.2.6: what a subprotocol may be made of, in commas. */
const PROTOCOLS = /^[\w!#$%&'*+.^`|~-]+(?:[ \t]*,[ \t]*[\w!#$%&'*+.^`|~-]+)*$/
/** 16 bytes as base64 (RFC 6455 4.1). */
const KEY = /^[A-Za-z0-9+/]{22}==$/
const SINCE = /^\d{1,15}$/

/**
 * Reads an upgrade request (RFC 6455 4.2.1): its path, its credential (exactly one, from `?token=`, `?ticket=`, `Authorization:
 * Bearer` or a subprotocol `bearer.…`/`ticket.…`) and its `since`. Pure; never throws.
 */
export function readHandshake(request: HandshakeRequest): HandshakeReading {
  const { method, url = '', headers } = request
  const { path, query } = splitTarget(url)
  if (!PATHS.has(path)) return refused('unknown_path')
  if (method !== 'GET') return refused('not_get')
  if (headers.upgrade?.toLowerCase() !== 'websocket') return refused('not_a_websocket')
  // Node asks for it (RFC 9112 3.2), but not of upgrades.
  if (headers.host === undefined) return refused('no_host')
  if (headers['sec-websocket-version'] !== '13') return refused('bad_version')
  if (!KEY.test(headers['sec-websocket-key'] ?? '')) return refused('bad_key')
  const protocols = protocolsOf(headers['sec-websocket-protocol'])
  if (protocols === null) return refused('bad_protocols')
  const credentials = credentialsIn(query, headers.authorization, protocols)
  const [credential] = credentials
  if (credential === undefined) return refused('credential_missing')
  if (credentials.length > 1) return refused('several_credentials')
  const since = sinceIn(query)
  if (since === undefined) return refused('bad_since')
  return { kind: 'handshake', handshake: { credential, since } }
}

/** Which of the offered protocols is answered with; false: none was offered that we know. */
export function chooseProtocol(offered: ReadonlySet<string>): string | false {
  if (offered.has(SUBPROTOCOL)) return SUBPROTOCOL
  // A browser ends a connection that answers with none of what it offered (RFC 6455 4.1).
  for (const one of offered) if (one.startsWith(TOKEN_PREFIX) || one.startsWith(TICKET_PREFIX)) return one
  return false
}

function splitTarget(url: string): { readonly path: string; readonly query: URLSearchParams } {
  const mark = url.indexOf('?')
  if (mark === -1) return { path: url, query: new URLSearchParams() }
  return { path: url.slice(0, mark), query: new URLSearchParams(url.slice(mark + 1)) }
}

function protocolsOf(header: string | undefined): readonly string[] | null {
  if (header === undefined) return []
  if (!PROTOCOLS.test(header)) return null
  const protocols = header.split(',').map((one) => one.trim())
  const areFew = protocols.length <= MAX_PROTOCOLS && new Set(protocols).size === protocols.length
  return areFew ? protocols : null
}

type Credential = Handshake['credential']

function credentialsIn(
  query: URLSearchParams,
  authorization: string | undefined,
  protocols: readonly string[],
): Credential[] {
  const bearer = bearerToken(authorization)
  return [
    ...query.getAll('token').map((text): Credential => ({ kind: 'token', text })),
    ...query.getAll('ticket').map((text): Credential => ({ kind: 'ticket', text })),
    ...(bearer === null ? [] : [{ kind: 'token' as const, text: bearer }]),
    ...protocols.flatMap((one): Credential[] => {
      if (one.startsWith(TOKEN_PREFIX)) return [{ kind: 'token', text: one.slice(TOKEN_PREFIX.length) }]
      if (one.startsWith(TICKET_PREFIX)) return [{ kind: 'ticket', text: one.slice(TICKET_PREFIX.length) }]
      return []
    }),
  ]
}

/** RFC 6750 2.1; the scheme's name in any case (RFC 9110 11.1). null: there is none. */
export function bearerToken(header: string | undefined): string | null {
  return /^bearer +(\S+) *$/i.exec(header ?? '')?.[1] ?? null
}

/** undefined: there is one that is no number, or several. */
function sinceIn(query: URLSearchParams): number | null | undefined {
  const [text, ...more] = query.getAll('since')
  if (text === undefined) return null
  return more.length === 0 && SINCE.test(text) ? Number(text) : undefined
}

function refused(problem: HandshakeProblem): HandshakeReading {
  return { kind: 'refused', problem }
}
