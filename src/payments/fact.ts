import { PAYOUT_KINDS, type PayoutFact, type PayoutKind } from './payout.ts'

/** What a gateway can tell us about a payment, in words that no gateway owns. */
export const FACT_KINDS = [
  'pending',
  'authorized',
  'captured',
  'failed',
  'cancelled',
  'expired',
  'refunded',
  'refund_failed',
  'disputed',
  'dispute_won',
  'dispute_lost',
] as const

export type FactKind = (typeof FACT_KINDS)[number]

/** The same of payments and of payouts. */
export const EVENT_KINDS = [...FACT_KINDS, ...PAYOUT_KINDS] as const

export type EventKind = FactKind | PayoutKind

/**
 * One fact about one payment, taken from a verified delivery.
 *
 * `amountMinor` is the amount of this operation (the capture, the refund, the disputed part), in minor units of
 * `currency` (ISO 4217, upper case). Both are null where the gateway states none, which is legal only for kinds that
 * move no money (pending, failed, cancelled, expired, refund_failed, dispute_won, dispute_lost).
 */
export interface PaymentFact {
  readonly kind: FactKind
  /** Our own reference, given to the gateway when the payment was opened. */
  readonly merchantRef: string | null
  /** The gateway's reference of the payment (Stripe PaymentIntent id, Paymob order id). */
  readonly gatewayRef: string | null
  /** The gateway's id of this capture, refund or dispute; two facts with one operationRef are the same operation. */
  readonly operationRef: string
  readonly amountMinor: bigint | null
  readonly currency: string | null
}

/** What one event says: of a payment, or of a payout. */
export type EventFact = PaymentFact | PayoutFact

const PAYOUTS: ReadonlySet<EventKind> = new Set(PAYOUT_KINDS)

export function isPayout(fact: EventFact): fact is PayoutFact {
  return PAYOUTS.has(fact.kind)
}
