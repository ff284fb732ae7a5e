import { withinBounds } from '../../base/money.ts'
import type { FactKind } from '../../payments/fact.ts'
import { completeFact, held, NOTHING, type Reading } from './kit/verdict.ts'

/** Fawry takes Egyptian pounds alone, and its notifications name no currency. */
export const CURRENCY = 'EGP'

const AMOUNT = /^(\d{1,15})(?:\.(\d{1,20}))?$/

/**
 * An amount as Fawry signs it, with two digits, in piastres: 152.70000000000002 as 152.70, half a piastre upwards. Which is right the
 * signature decides, so nothing is believed that was not signed. Null for what is no such number.
 */
export function signedAmount(value: unknown): bigint | null {
  const text = typeof value === 'number' ? String(value) : value
  const [, whole = '', digits = ''] = (typeof text === 'string' ? AMOUNT.exec(text) : null) ?? []
  if (whole === '') return null
  const piastres = BigInt(whole + digits.slice(0, 2).padEnd(2, '0'))
  return withinBounds(digits.charAt(2) >= '5' ? piastres + 1n : piastres)
}

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
