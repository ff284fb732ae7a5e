import type { FactKind } from '../../payments/fact.ts'
import { completeFact, held, NOTHING, type Reading } from './kit/verdict.ts'

/** Fawry takes Egyptian pounds alone, and its notifications name no currency. */
export const CURRENCY = 'EGP'

const KINDS: ReadonlyMap<string, FactKind> = new Map([
  ['NEW', 'pending'],
  ['UNPAID', 'pending'],
  ['PAID', 'captured'],
  ['FAILED', 'failed'],
  ['EXPIRED', 'expired'],
  ['CANCELED', 'cancelled'],
  ['CANCELLED', 'cancelled'],
  ['REFUNDED', 'refunded'],
])

/** The goods were delivered, which PAID has told before as money; and a refund whose own amount nothing signs. */
const OTHERS: ReadonlyMap<string, Reading> = new Map([
  ['DELIVERED', NOTHING],
  ['PARTIAL_REFUNDED', held('refund_amount_unsigned')],
])

export function isFawryStatus(status: string): boolean {
  return KINDS.has(status) || OTHERS.has(status)
}

export interface FawryOrder {
  readonly fawryRef: string
  /** Null where Fawry's own reference has to find the payment. */
  readonly merchantRef: string | null
  /** Null where it cannot be read. */
  readonly orderMinor: bigint | null
  readonly status: string
}

/** The amount is the order's, which is what we asked for: paymentAmount holds Fawry's fees too where the customer pays them. */
export function readFawryFact({ fawryRef, merchantRef, orderMinor, status }: FawryOrder): Reading {
  const kind = KINDS.get(status)
  if (kind === undefined) return OTHERS.get(status) ?? held('status_unknown')
  return completeFact({
    kind,
    merchantRef: merchantRef === '' ? null : merchantRef,
    gatewayRef: merchantRef === null ? fawryRef : null,
    operationRef: kind === 'refunded' ? `${fawryRef}:${status}` : fawryRef,
    amountMinor: orderMinor,
    currency: CURRENCY,
  })
}
