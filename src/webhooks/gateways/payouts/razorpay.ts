import type { PayoutKind } from '../../../payments/payout.ts'
import { minorUnits } from '../kit/amount.ts'
import { isObject, type JsonObject } from '../kit/body.ts'
import { completePayout, held, NOTHING, type Reading } from '../kit/verdict.ts'

/** RazorpayX, https://razorpay.com/docs/x/payouts/states-life-cycle: what we order. `payout.updated` says nothing of a state. */
const PAYOUTS: ReadonlyMap<string, PayoutKind> = new Map([
  ['payout.pending', 'payout_created'],
  ['payout.queued', 'payout_created'],
  ['payout.initiated', 'payout_created'],
  ['payout.processed', 'payout_paid'],
  ['payout.rejected', 'payout_failed'],
  ['payout.failed', 'payout_failed'],
  ['payout.reversed', 'payout_returned'],
])

/** Payouts, and the settlements by which Razorpay pays us out. */
export function readRazorpayPayout(event: string, payload: JsonObject): Reading {
  if (event === 'settlement.processed') return readSettlement(entityOf(payload, 'settlement'))
  const kind = PAYOUTS.get(event)
  return kind === undefined ? NOTHING : readPayout(kind, entityOf(payload, 'payout'))
}

/** `reference_id` is ours. */
function readPayout(kind: PayoutKind, payout: JsonObject | null): Reading {
  if (payout === null) return held('object_unreadable')
  const { id, amount, currency, reference_id } = payout
  return completePayout({
    kind,
    merchantRef: reference_id,
    payoutRef: id,
    amountMinor: minorUnits(amount, currency),
    currency,
  })
}

/** It names no currency: settlements are in rupees. */
function readSettlement(settlement: JsonObject | null): Reading {
  if (settlement === null) return held('object_unreadable')
  const { id, amount, currency = 'INR' } = settlement
  return completePayout({
    kind: 'payout_paid',
    payoutRef: id,
    amountMinor: minorUnits(amount, currency),
    currency,
  })
}

function entityOf(payload: JsonObject, name: string): JsonObject | null {
  const holder = payload[name]
  return isObject(holder) && isObject(holder.entity) ? holder.entity : null
}
