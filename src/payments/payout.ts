/** What a gateway can tell us about money that it sent to a bank or to a person: to ours, or to whom we pay. */
export const PAYOUT_KINDS = ['payout_created', 'payout_paid', 'payout_failed', 'payout_returned'] as const

export type PayoutKind = (typeof PAYOUT_KINDS)[number]

/**
 * One fact about one payout. It has the members of a PaymentFact so that both are stored and compared alike; no payment is ever
 * found by it. Amounts are minor units; null where the gateway states none, which is legal for created and failed.
 */
export interface PayoutFact {
  readonly kind: PayoutKind
  /** Our own reference, where we ordered the payout and gave it one. */
  readonly merchantRef: string | null
  readonly gatewayRef: null
  /** The gateway's id of the payout. */
  readonly operationRef: string
  readonly amountMinor: bigint | null
  readonly currency: string | null
}

export type PayoutState = 'created' | 'paid' | 'failed' | 'returned'

/** What is known of a payout. */
export interface Payout {
  readonly state: PayoutState
  readonly merchantRef: string | null
  readonly amountMinor: bigint | null
  readonly currency: string | null
}

/**
 * created ──▶ paid ──▶ failed ──▶ returned, forward only, each step may be left out: what was paid may fail for days at the
 * recipient's bank, and what came back does not go again under the same id. Whatever the order in which events come, the state
 * ends where the furthest of them led.
 */
const ORDER: readonly PayoutState[] = ['created', 'paid', 'failed', 'returned']

export type PayoutDecision =
  | { readonly kind: 'moved'; readonly payout: Payout }
  | { readonly kind: 'no_effect'; readonly reason: 'repeated' | 'late'; readonly payout: Payout }
  | {
      readonly kind: 'contradicts'
      readonly reason: 'amount_mismatch' | 'currency_mismatch' | 'reference_conflict'
    }

/** Decides what a fact means for a payout, null where nothing is known of it yet. Pure. */
export function applyPayoutFact(payout: Payout | null, fact: PayoutFact): PayoutDecision {
  const state = stateOf(fact.kind)
  const { merchantRef, amountMinor, currency } = fact
  if (payout === null) return { kind: 'moved', payout: { state, merchantRef, amountMinor, currency } }
  if (differs(payout.currency, currency)) return { kind: 'contradicts', reason: 'currency_mismatch' }
  if (differs(payout.amountMinor, amountMinor)) return { kind: 'contradicts', reason: 'amount_mismatch' }
  if (differs(payout.merchantRef, merchantRef)) return { kind: 'contradicts', reason: 'reference_conflict' }
  const known: Payout = {
    state: payout.state,
    merchantRef: payout.merchantRef ?? merchantRef,
    amountMinor: payout.amountMinor ?? amountMinor,
    currency: payout.currency ?? currency,
  }
  if (state === payout.state) return { kind: 'no_effect', reason: 'repeated', payout: known }
  return ORDER.indexOf(state) < ORDER.indexOf(payout.state)
    ? { kind: 'no_effect', reason: 'late', payout: known }
    : { kind: 'moved', payout: { ...known, state } }
}

function stateOf(kind: PayoutKind): PayoutState {
  switch (kind) {
    case 'payout_created':
      return 'created'
    case 'payout_paid':
      return 'paid'
    case 'payout_failed':
      return 'failed'
    case 'payout_returned':
      return 'returned'
    default:
      return kind satisfies never
  }
}

/** What one side does not state does not differ. */
function differs<T>(known: T | null, told: T | null): boolean {
  return known !== null && told !== null && known !== told
}
