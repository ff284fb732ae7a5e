import type { PayoutKind } from '../../../payments/payout.ts'
import { majorUnits } from '../kit/amount.ts'
import type { JsonObject } from '../kit/body.ts'
import { completePayout, held, type Reading } from '../kit/verdict.ts'

/** https://docs.xendit.co/docs/payouts-overview, version 2. */
const STATUSES: ReadonlyMap<unknown, PayoutKind> = new Map<unknown, PayoutKind>([
  ['ACCEPTED', 'payout_created'],
  ['REQUESTED', 'payout_created'],
  ['SUCCEEDED', 'payout_paid'],
  ['FAILED', 'payout_failed'],
  ['CANCELLED', 'payout_failed'],
  ['EXPIRED', 'payout_failed'],
  ['REVERSED', 'payout_returned'],
  ['REFUNDED', 'payout_returned'],
])

/** `reference_id` is ours. */
export function readXenditPayout(payout: JsonObject, id: string): Reading {
  const kind = STATUSES.get(payout.status)
  if (kind === undefined) return held('status_unknown')
  const { reference_id, amount, currency } = payout
  return completePayout({
    kind,
    merchantRef: reference_id,
    payoutRef: id,
    amountMinor: majorUnits(amount, currency),
    currency,
  })
}
