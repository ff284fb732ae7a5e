import type { PayoutKind } from '../../../payments/payout.ts'

/**
 * https://developer.paypal.com/docs/payouts/standard/reference/webhooks: each item of a batch is a payout; the batch itself says
 * nothing that its items do not say. What nobody claims for thirty days is returned.
 */
export const PAYPAL_PAYOUTS: ReadonlyMap<string, PayoutKind> = new Map([
  ['PAYMENT.PAYOUTS-ITEM.UNCLAIMED', 'payout_created'],
  ['PAYMENT.PAYOUTS-ITEM.HELD', 'payout_created'],
  ['PAYMENT.PAYOUTS-ITEM.SUCCEEDED', 'payout_paid'],
  ['PAYMENT.PAYOUTS-ITEM.BLOCKED', 'payout_failed'],
  ['PAYMENT.PAYOUTS-ITEM.CANCELED', 'payout_failed'],
  ['PAYMENT.PAYOUTS-ITEM.DENIED', 'payout_failed'],
  ['PAYMENT.PAYOUTS-ITEM.FAILED', 'payout_failed'],
  ['PAYMENT.PAYOUTS-ITEM.REFUNDED', 'payout_returned'],
  ['PAYMENT.PAYOUTS-ITEM.RETURNED', 'payout_returned'],
])
