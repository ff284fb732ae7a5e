import { assertNever } from '../base/assert.ts'

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

/** running: somebody is at it. done: the answer is stored. pruned: it was done, and the answer is gone. */
export type RecordState = 'running' | 'done' | 'pruned'

/** A claim whose row also says how far the work came. */
export interface StoredRecord extends StoredClaim {
  readonly state: RecordState
  /** Whoever runs it had his time; only where `state` is running. */
  readonly isLeaseOver: boolean
}

/**
 * free: execute. mine: this very claim did. mismatch: the key stands for other content, whatever became of it. replay:
 * answer as before. in_flight: wait. orphaned: its owner is gone, take it over. expired: done, and the answer is gone.
 */
export type RecordVerdict = 'free' | 'mine' | 'mismatch' | 'replay' | 'in_flight' | 'orphaned' | 'expired'

/** `decideClaim` where an answer belongs to the key. The content is compared before the state is read. Pure. */
export function decideRecord(mine: StoredClaim, found: StoredRecord | undefined): RecordVerdict {
  if (!found) return 'free'
  const verdict = decideClaim(mine, found)
  switch (verdict) {
    case 'absent':
      return 'free'
    case 'stored':
      return 'mine'
    case 'conflict':
      return 'mismatch'
    case 'duplicate':
      return verdictOfState(found)
    default:
      return assertNever(verdict)
  }
}

function verdictOfState({ state, isLeaseOver }: StoredRecord): RecordVerdict {
  switch (state) {
    case 'running':
      return isLeaseOver ? 'orphaned' : 'in_flight'
    case 'done':
      return 'replay'
    case 'pruned':
      return 'expired'
    default:
      return assertNever(state)
  }
}
