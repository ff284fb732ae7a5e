import type { PayoutKind } from '../../../payments/payout.ts'
import { majorUnits } from '../kit/amount.ts'
import { identifierText, isObject, type JsonObject } from '../kit/body.ts'
import { completePayout, held, type Reading } from '../kit/verdict.ts'

/** In v3 and v4, https://developer.flutterwave.com/docs/transfers; v4 has two words for one thing. */
const STATUSES: ReadonlyMap<unknown, PayoutKind> = new Map<unknown, PayoutKind>([
  ['NEW', 'payout_created'],
  ['INITIATED', 'payout_created'],
  ['PENDING', 'payout_created'],
  ['SUCCESSFUL', 'payout_paid'],
  ['SUCCEEDED', 'payout_paid'],
  ['FAILED', 'payout_failed'],
  ['CANCELLED', 'payout_failed'],
  ['REVERSED', 'payout_returned'],
])

/** `transfer.completed`, `transfer.disburse`, `transfer.reversal`, and a transfer as the API shows it. `reference` is ours. */
export function readFlutterwaveTransfer(type: string, data: JsonObject): Reading {
  const kind = type === 'transfer.reversal' ? 'payout_returned' : STATUSES.get(statusOf(data))
  if (kind === undefined) return held('status_unknown')
  return completePayout({
    kind,
    merchantRef: data.reference,
    payoutRef: identifierText(data.id),
    ...moneyOf(data),
  })
}

function statusOf({ status }: JsonObject): string | null {
  return typeof status === 'string' ? status.toUpperCase() : null
}

/** v4 writes `{ value, applies_to }`: in the currency from which it went, or in that in which it arrives. */
function moneyOf({ amount, currency, source_currency, destination_currency }: JsonObject) {
  if (!isObject(amount)) return { amountMinor: majorUnits(amount, currency), currency }
  const applied = amount.applies_to === 'source_currency' ? source_currency : destination_currency
  return { amountMinor: majorUnits(amount.value, applied), currency: applied }
}
