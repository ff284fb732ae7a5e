import type { PayoutKind } from '../../../payments/payout.ts'
import { type Exponents, minorUnits } from '../kit/amount.ts'
import type { JsonObject } from '../kit/body.ts'
import { completePayout, NOTHING, type Reading } from '../kit/verdict.ts'

/** https://paystack.com/docs/transfers: what we order. A transfer that failed and is tried again is one of the same code. */
const TRANSFERS: ReadonlyMap<string, PayoutKind> = new Map([
  ['transfer.success', 'payout_paid'],
  ['transfer.failed', 'payout_failed'],
  ['transfer.reversed', 'payout_returned'],
])

/** `reference` is ours; amounts are in its smallest unit. */
export function readPaystackTransfer(event: string, data: JsonObject, exponents: Exponents): Reading {
  const kind = TRANSFERS.get(event)
  if (kind === undefined) return NOTHING
  const { reference, transfer_code, amount, currency } = data
  return completePayout({
    kind,
    merchantRef: reference,
    payoutRef: transfer_code,
    amountMinor: minorUnits(amount, currency, exponents),
    currency,
  })
}
