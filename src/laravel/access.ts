import { type AddressRanges, clientAddress } from '../base/addresses.ts'
import { matchingKey } from '../base/api-key.ts'

export interface AccessRules {
  /** INTERNAL_API_KEY and, during rotation, its predecessor. Without any nobody is let in. */
  readonly keys: readonly string[]
  /** Who may call; null: every address that can reach us. */
  readonly allowed: AddressRanges | null
  /** The proxies whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: AddressRanges
}

/** What there is to judge a request by. */
export interface AccessClaim {
  readonly peer: string | undefined
  readonly forwardedFor: string | undefined
  readonly key: string | undefined
}

/** `address` is the client's, canonical; null when the connection is already gone. */
export type AccessVerdict =
  | { readonly kind: 'allowed'; readonly keyIndex: number; readonly address: string | null }
  | { readonly kind: AccessRefusal; readonly address: string | null }

export type AccessRefusal = 'key_missing' | 'key_wrong' | 'address_refused'

/** May this request call the internal API? Every key is compared, in constant time, whatever the address says. */
export function judgeAccess(claim: AccessClaim, rules: AccessRules): AccessVerdict {
  const address = clientAddress(claim.peer, claim.forwardedFor, rules.trustedProxies)
  if (claim.key === undefined) return { kind: 'key_missing', address }
  const keyIndex = matchingKey(claim.key, rules.keys)
  if (keyIndex === null) return { kind: 'key_wrong', address }
  const isAllowed = rules.allowed === null || (address !== null && rules.allowed.has(address))
  return isAllowed ? { kind: 'allowed', keyIndex, address } : { kind: 'address_refused', address }
}
