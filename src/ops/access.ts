import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/**
 * May this request see metrics? From this machine directly, yes; through a proxy or from elsewhere only with the internal
 * API key. Nginx forwards from loopback too, so any forwarding header counts as elsewhere.
 */
export function maySeeInternals(incoming: IncomingMessage, keys: readonly string[]): boolean {
  const { headers, socket } = incoming
  const isForwarded =
    headers['x-forwarded-for'] !== undefined ||
    headers.forwarded !== undefined ||
    headers['x-real-ip'] !== undefined
  if (!isForwarded && isLoopback(socket.remoteAddress)) return true
  const given = headers['x-api-key']
  return typeof given === 'string' && keys.some((key) => isSame(given, key))
}

function isLoopback(address: string | undefined): boolean {
  return (
    address === '::1' || address?.startsWith('127.') === true || address?.startsWith('::ffff:127.') === true
  )
}

/** Constant time whatever the lengths: digests are compared. */
function isSame(given: string, key: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(key))
}
