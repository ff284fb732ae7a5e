import type { SocketConstructor, SocketLike } from './link.ts'
import type { ClientOptions } from './options.ts'

/** What opens a connection: a token or a ticket. */
export interface Credentials {
  readonly kind: 'token' | 'ticket'
  readonly value: string
}

/** Asks for what opens the next connection; null: there is nothing. Throws what the provider throws. */
export async function credentialsOf({ ticket, token }: ClientOptions): Promise<Credentials | null> {
  const kind = ticket === undefined ? 'token' : 'ticket'
  const provider = ticket ?? token
  const value = typeof provider === 'function' ? await provider() : provider
  return value === undefined || value === null || value === '' ? null : { kind, value }
}

const PROTOCOL = 'onceline.v1'

/** Opens a socket; `since` asks for what came after it. Throws where the address or the platform does not allow it. */
export function dial(options: ClientOptions, credentials: Credentials, since: number | null): SocketLike {
  const { carry = 'subprotocol', WebSocket = platformSocket() } = options
  const { kind, value } = credentials
  const url = new URL(options.url)
  url.protocol = url.protocol.replace(/^http/, 'ws')
  if (since !== null) url.searchParams.set('since', String(since))
  if (carry === 'query') url.searchParams.set(kind, value)
  if (carry === 'header' && kind === 'token')
    return new WebSocket(url.href, [PROTOCOL], { headers: { authorization: `Bearer ${value}` } })
  const scheme = kind === 'token' ? 'bearer' : 'ticket'
  return new WebSocket(url.href, carry === 'query' ? [PROTOCOL] : [PROTOCOL, `${scheme}.${value}`])
}

function platformSocket(): SocketConstructor {
  const found = (globalThis as { readonly WebSocket?: unknown }).WebSocket
  if (found === undefined) throw new Error('this platform has no WebSocket: pass one in the options')
  return found as SocketConstructor
}
