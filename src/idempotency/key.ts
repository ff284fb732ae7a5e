import { hash } from 'node:crypto'

/** Which door a record came through. */
export type RecordKind =
  | 'webhook'
  | 'webhook-conflict'
  | 'payment-ref'
  | 'payout'
  | 'http'
  | 'command'
  | 'redis'

export interface RecordScope {
  readonly kind: RecordKind
  /** Whose world it is: a webhook's gateway, an API caller's tenant. */
  readonly tenant: string
  /** Who acts in it: a webhook's account, a user. */
  readonly actor: string
  /** What is done: a route template, a command's name; for webhooks the word `event`. */
  readonly operation: string
  /** The caller's own key. Never empty: a missing key is refused at the border. */
  readonly key: string
}

/**
 * The one key function of all doors: SHA-256 over the length-prefixed parts, 32 bytes for a BINARY(32) column. Text in
 * unique indexes is a trap: collations fold case and trailing blanks, so `evt_A` and `EVT_a ` would be one key.
 */
export function recordKey(scope: RecordScope): Buffer {
  return hashParts([scope.kind, scope.tenant, scope.actor, scope.operation, scope.key])
}

/**
 * The fingerprint of a request's content, compared when a key comes again. `version` names the list of parts, so that a
 * later list never matches an older one by accident. null and '' differ.
 */
export function fingerprint(version: string, parts: readonly (string | null)[]): Buffer {
  return hashParts([version, ...parts])
}

function hashParts(parts: readonly (string | null)[]): Buffer {
  let text = ''
  for (const part of parts) text += part === null ? '-;' : `${Buffer.byteLength(part)}:${part};`
  return hash('sha256', text, 'buffer')
}
