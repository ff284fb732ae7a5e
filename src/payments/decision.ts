import { assert } from '../base/assert.ts'
import type { PaymentFact } from './fact.ts'
import { assertBalanced, type Posting } from './ledger.ts'
import {
  type Operation,
  type Payment,
  type PaymentState,
  stateAfterCapture,
  withOperation,
} from './payment.ts'

/** Why a fact is held for a person: it contradicts what we know. */
export type QuarantineReason =
  | 'currency_mismatch'
  | 'currency_missing'
  | 'amount_mismatch'
  | 'amount_missing'
  | 'amount_invalid'
  | 'duplicate_capture'
  | 'capture_cancelled'
  | 'refund_exceeds_capture'
  | 'dispute_exceeds_capture'
  | 'dispute_contradiction'

/** What one fact means for one payment. Only `applied` changes anything. */
export type Decision =
  | Applied
  /** Known already, or overtaken by what came before it: recorded, never regressing. */
  | { readonly kind: 'no_effect'; readonly reason: 'repeated' | 'late' }
  /** A refund or dispute that overtook its capture: wait for that. */
  | { readonly kind: 'early'; readonly reason: 'awaiting_capture' }
  | { readonly kind: 'quarantined'; readonly reason: QuarantineReason }

export interface Applied {
  readonly kind: 'applied'
  readonly payment: Payment
  readonly from: PaymentState
  /** May equal `from` (a second partial refund): something happened to the payment all the same. */
  readonly to: PaymentState
  /** Sum up to zero; none where no money moved. */
  readonly postings: readonly Posting[]
  /** The refund or dispute as it stands now, where the fact was about one. */
  readonly operation: Operation | null
}

/** The payment became `next`. Throws BrokenInvariant when the postings do not balance. */
export function applied(
  before: Payment,
  next: Payment,
  postings: readonly Posting[],
  operation: Operation | null,
): Applied {
  assertBalanced(postings)
  return { kind: 'applied', payment: next, from: before.state, to: next.state, postings, operation }
}

/** A refund or dispute of a captured payment became `operation`; the payment's state follows from all of them. */
export function operated(payment: Payment, operation: Operation, postings: readonly Posting[]): Applied {
  const operations = withOperation(payment.operations, operation)
  const state = stateAfterCapture(payment.capturedMinor, operations)
  return applied(payment, { ...payment, state, operations }, postings, operation)
}

export function noEffect(reason: 'repeated' | 'late'): Decision {
  return { kind: 'no_effect', reason }
}

export function early(): Decision {
  return { kind: 'early', reason: 'awaiting_capture' }
}

export function quarantined(reason: QuarantineReason): Decision {
  return { kind: 'quarantined', reason }
}

/** The amount of a fact that moves money, or why it cannot move any: it must be stated, with its currency, and positive. */
export function requiredAmount(fact: PaymentFact): bigint | QuarantineReason {
  if (fact.amountMinor === null) return 'amount_missing'
  if (fact.currency === null) return 'currency_missing'
  return fact.amountMinor > 0n ? fact.amountMinor : 'amount_invalid'
}

/** The amount of a fact that may come without one (then 0), or why it cannot be believed. */
export function optionalAmount(fact: PaymentFact): bigint | QuarantineReason {
  return fact.amountMinor === null ? 0n : requiredAmount(fact)
}

/**
 * One reference, one amount: whether the fact states another amount than its operation is known to have. Both facts
 * cannot be true, even where this one would change nothing.
 */
export function contradictsAmount(operation: Operation, fact: PaymentFact): boolean {
  assert(operation.ref === fact.operationRef, 'compared with another operation')
  const isKnown = operation.amountMinor !== 0n
  return isKnown && fact.amountMinor !== null && fact.amountMinor !== operation.amountMinor
}
