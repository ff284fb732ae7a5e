import type { PayoutKind } from '../../../payments/payout.ts'

/**
 * Payouts to cards and banks are payments too at Checkout.com (https://www.checkout.com/docs/payouts), with an id of the same form;
 * these two events have no other payments. Whether a `payment_declined` is of a payout, it does not say.
 */
export const CHECKOUTCOM_PAYOUTS: ReadonlyMap<string, PayoutKind> = new Map([
  ['payment_paid', 'payout_paid'],
  ['payment_returned', 'payout_returned'],
])
