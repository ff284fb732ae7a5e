import type { IncomingMessage } from 'node:http'

/**
 * Did this request come straight from this machine? A proxy on this machine that adds no header looks like this machine itself,
 * so it is a question for development alone. Any forwarding header counts as elsewhere.
 */
export function isFromThisMachine({ headers, socket }: Pick<IncomingMessage, 'headers' | 'socket'>): boolean {
  const isForwarded =
    headers['x-forwarded-for'] !== undefined ||
    headers.forwarded !== undefined ||
    headers['x-real-ip'] !== undefined
  return !isForwarded && isLoopback(socket.remoteAddress)
}

function isLoopback(address: string | undefined): boolean {
  return (
    address === '::1' || address?.startsWith('127.') === true || address?.startsWith('::ffff:127.') === true
  )
}

/** `localhost:3000`, `127.0.0.1:3000` or `[::1]:3000`: a page under another name that leads here may be anybody's. */
export function isOwnName(host: string | undefined): boolean {
  return /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/i.test(host ?? '')
}
