/** What a unique key's row holds: who claimed it, and for what content. */
export interface StoredClaim {
  readonly claim: Buffer
  readonly fingerprint: Buffer
}

/**
 * stored: the key is mine. duplicate: it was somebody's, for the same content. conflict: it was somebody's, for other
 * content; the first stands. absent: nobody has it.
 */
export type ClaimVerdict = 'stored' | 'duplicate' | 'conflict' | 'absent'

/** The decision behind all doors: what does it mean for `mine` that the key's row reads `found`? Pure. */
export function decideClaim(mine: StoredClaim, found: StoredClaim | undefined): ClaimVerdict {
  if (!found) return 'absent'
  if (found.claim.equals(mine.claim)) return 'stored'
  return found.fingerprint.equals(mine.fingerprint) ? 'duplicate' : 'conflict'
}
