import type { FactKind } from '../../payments/fact.ts'
import type { PayoutKind } from '../../payments/payout.ts'
import { isIdentifier, isObject, type JsonObject } from './kit/body.ts'
import type { Hold } from './kit/verdict.ts'

/**
 * What an action means for a payment. fact: the event says all of it. asked: only the API says how much moved, or whether it had moved.
 * payout: money went to our bank, and the API says how much. held: money came back in a way that no fact of ours describes.
 */
export type Meaning =
  | { readonly is: 'fact' | 'asked'; readonly kind: FactKind }
  | { readonly is: 'payout'; readonly kind: PayoutKind }
  | { readonly is: 'held'; readonly hold: Hold }

/**
 * `paid_out` says again what `confirmed` said; of the fees nothing is kept. A payment may fail after it was confirmed, if the bank is
 * late, and `late_failure_settled` follows only where it had been paid out: so each failure is asked about.
 */
const PAYMENTS: ReadonlyMap<unknown, Meaning> = new Map<unknown, Meaning>([
  ['created', { is: 'fact', kind: 'pending' }],
  ['customer_approval_granted', { is: 'fact', kind: 'pending' }],
  ['submitted', { is: 'fact', kind: 'pending' }],
  ['resubmission_requested', { is: 'fact', kind: 'pending' }],
  ['confirmed', { is: 'asked', kind: 'captured' }],
  ['failed', { is: 'asked', kind: 'failed' }],
  ['cancelled', { is: 'fact', kind: 'cancelled' }],
  ['customer_approval_denied', { is: 'fact', kind: 'cancelled' }],
  ['charged_back', { is: 'asked', kind: 'disputed' }],
  ['chargeback_cancelled', { is: 'fact', kind: 'dispute_won' }],
  ['chargeback_settled', { is: 'fact', kind: 'dispute_lost' }],
  ['late_failure_settled', { is: 'held', hold: 'event_unknown' }],
])

/** A refund's events do not name its payment, so that even a failure has to be asked for. */
const REFUNDS: ReadonlyMap<unknown, Meaning> = new Map<unknown, Meaning>([
  ['paid', { is: 'asked', kind: 'refunded' }],
  ['failed', { is: 'asked', kind: 'refund_failed' }],
  ['funds_returned', { is: 'asked', kind: 'refund_failed' }],
])

/** null: nothing about a payment that is kept. */
export function meaningOf(event: JsonObject): Meaning | null {
  if (event.resource_type === 'payments') return PAYMENTS.get(event.action) ?? null
  // The other events of a payout are about exchange rates.
  if (event.resource_type === 'payouts')
    return event.action === 'paid' ? { is: 'payout', kind: 'payout_paid' } : null
  return event.resource_type === 'refunds' ? (REFUNDS.get(event.action) ?? null) : null
}

/** The id of what the event is about: `payment` of `payments`, and so on. */
export function linkOf({ links }: JsonObject, name: 'payment' | 'refund' | 'payout'): string | null {
  const id = isObject(links) ? links[name] : null
  return isIdentifier(id) ? id : null
}

/** A payment has one chargeback at a time, which has no id of its own. */
export function operationOf(kind: FactKind, paymentId: string): string {
  return kind === 'disputed' || kind === 'dispute_won' || kind === 'dispute_lost'
    ? `chargeback:${paymentId}`
    : paymentId
}

/** Our own reference, where it was put into the payment's metadata. */
export function merchantRefOf(metadata: unknown): unknown {
  const reference = isObject(metadata) ? metadata.merchant_ref : null
  return reference === '' ? null : reference
}
