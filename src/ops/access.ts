import type { IncomingMessage } from 'node:http'
import { matchingKey } from '../base/api-key.ts'
import { isFromThisMachine } from '../base/near.ts'

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
  if (!metricsNeedKey && isFromThisMachine(incoming)) return true
  const given = incoming.headers['x-api-key']
  return typeof given === 'string' && matchingKey(given, internalKeys) !== null
}
