import type { PayoutKind } from '../../../payments/payout.ts'
import type { AdyenItem } from '../adyen-items.ts'
import { type Exponents, minorUnits } from '../kit/amount.ts'
import { isObject, type JsonObject } from '../kit/body.ts'
import { completePayout, held, NOTHING, type Reading } from '../kit/verdict.ts'

/** https://docs.adyen.com/online-payments/online-payouts: what we order of the payments platform. */
const CODES: ReadonlyMap<string, readonly [done: PayoutKind, refused: PayoutKind | null]> = new Map([
  ['PAYOUT_THIRDPARTY', ['payout_paid', 'payout_failed']],
  ['PAYOUT_DECLINE', ['payout_failed', null]],
  ['PAYOUT_EXPIRE', ['payout_failed', null]],
  ['PAIDOUT_REVERSED', ['payout_returned', null]],
])

/** null: the item is about no payout. What comes later names the payout as its original. */
export function readAdyenPayout(item: AdyenItem, exponents: Exponents): Reading | null {
  const code = CODES.get(item.eventCode)
  if (code === undefined) return null
  if (item.success !== 'true' && item.success !== 'false') return held('status_unknown')
  const kind = item.success === 'true' ? code[0] : code[1]
  if (kind === null) return NOTHING
  return completePayout({
    kind,
    merchantRef: item.merchantReference,
    payoutRef: item.originalReference === '' ? item.pspReference : item.originalReference,
    amountMinor: minorUnits(item.value, item.currency, exponents),
    currency: item.currency,
  })
}

/** https://docs.adyen.com/api-explorer/transfer-webhooks/4/overview: `booked` has left the balance account. */
const STATUSES: ReadonlyMap<unknown, PayoutKind> = new Map<unknown, PayoutKind>([
  ['received', 'payout_created'],
  ['pending', 'payout_created'],
  ['pendingApproval', 'payout_created'],
  ['authorised', 'payout_created'],
  ['booked', 'payout_paid'],
  ['cancelled', 'payout_failed'],
  ['error', 'payout_failed'],
  ['failed', 'payout_failed'],
  ['refused', 'payout_failed'],
  ['rejected', 'payout_failed'],
  ['returned', 'payout_returned'],
])

/** A balance platform's transfer to a bank; those between its own accounts, and what comes in, are no payouts. */
export function readAdyenTransfer(type: string, data: unknown, exponents: Exponents): Reading {
  if (!type.startsWith('balancePlatform.transfer.')) return NOTHING
  if (!isObject(data)) return held('object_unreadable')
  if (data.category !== 'bank' || data.direction === 'incoming') return NOTHING
  const kind = STATUSES.get(data.status)
  if (kind === undefined) return NOTHING
  const { value, currency }: JsonObject = isObject(data.amount) ? data.amount : {}
  return completePayout({
    kind,
    merchantRef: data.reference,
    payoutRef: data.id,
    amountMinor: minorUnits(value, currency, exponents),
    currency,
  })
}
