import type { IncomingMessage } from 'node:http'
import { matchingKey } from '../base/api-key.ts'

export interface AccessRules {
  readonly internalKeys: readonly string[]
  /** In production: a proxy on this machine that adds no header looks like this machine itself. */
  readonly metricsNeedKey: boolean
}

/**
 * May this request see metrics? With the internal API key, yes. Without it only outside production, from this machine,
 * and directly: any forwarding header counts as elsewhere.
 */
export function maySeeInternals(
  incoming: IncomingMessage,
  { internalKeys, metricsNeedKey }: AccessRules,
): boolean {
  const { headers, socket } = incoming
  const isForwarded =
    headers['x-forwarded-for'] !== undefined ||
    headers.forwarded !== undefined ||
    headers['x-real-ip'] !== undefined
  if (!metricsNeedKey && !isForwarded && isLoopback(socket.remoteAddress)) return true
  const given = headers['x-api-key']
  return typeof given === 'string' && matchingKey(given, internalKeys) !== null
}

function isLoopback(address: string | undefined): boolean {
  return (
    address === '::1' || address?.startsWith('127.') === true || address?.startsWith('::ffff:127.') === true
  )
}
