import type { PayoutKind } from '../../../payments/payout.ts'
import { majorUnits } from '../kit/amount.ts'
import { identifierText, type JsonObject } from '../kit/body.ts'
import { completePayout, NOTHING, type Reading } from '../kit/verdict.ts'

/** https://www.cashfree.com/docs/api-reference/payouts/v2/webhooks/webhooks-v2. The recipient's bank acknowledges what succeeded. */
const TRANSFERS: ReadonlyMap<string, PayoutKind> = new Map([
  ['TRANSFER_SUCCESS', 'payout_paid'],
  ['TRANSFER_ACKNOWLEDGED', 'payout_paid'],
  ['TRANSFER_FAILED', 'payout_failed'],
  ['TRANSFER_REJECTED', 'payout_failed'],
  ['TRANSFER_REVERSED', 'payout_returned'],
])

/** `transfer_id` is ours. Transfers are in rupees, and name no currency. */
export function readCashfreeTransfer(type: string, data: JsonObject): Reading {
  const kind = TRANSFERS.get(type)
  if (kind === undefined) return NOTHING
  const currency = 'INR'
  return completePayout({
    kind,
    merchantRef: data.transfer_id,
    payoutRef: identifierText(data.cf_transfer_id),
    amountMinor: majorUnits(data.transfer_amount, currency),
    currency,
  })
}
