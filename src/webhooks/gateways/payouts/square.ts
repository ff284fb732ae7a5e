import type { PayoutKind } from '../../../payments/payout.ts'
import { minorUnits } from '../kit/amount.ts'
import { isObject } from '../kit/body.ts'
import { completePayout, held, type Reading } from '../kit/verdict.ts'

/** What was sent may still fail. */
const STATUSES: ReadonlyMap<unknown, PayoutKind> = new Map<unknown, PayoutKind>([
  ['SENT', 'payout_created'],
  ['PAID', 'payout_paid'],
  ['FAILED', 'payout_failed'],
])

/** From Square to the seller's bank, https://developer.squareup.com/reference/square/payouts-api/webhooks/payout.sent. */
export function readSquarePayout(object: unknown): Reading {
  const payout = isObject(object) ? object.payout : null
  if (!isObject(payout)) return held('object_unreadable')
  const kind = STATUSES.get(payout.status)
  if (kind === undefined) return held('status_unknown')
  const { amount, currency_code, currency: code } = isObject(payout.amount_money) ? payout.amount_money : {}
  // The one money of Square's that names its currency otherwise.
  const currency = currency_code ?? code
  return completePayout({ kind, payoutRef: payout.id, amountMinor: minorUnits(amount, currency), currency })
}
