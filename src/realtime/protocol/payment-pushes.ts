import { z } from 'zod'
import { PAYMENT_STATES } from '../../payments/payment.ts'
import { shownCurrency, shownId, shownMinor, time } from './fields.ts'

/** As announcementsOf() makes them of a payment that Onceline tracks, and paymentCompleted() of others. */
const PAYMENT = z.object({
  paymentId: z.uuid().nullable().describe('null: not tracked here, Laravel says so (`source`)'),
  rideId: shownId.nullable(),
  state: z.enum(PAYMENT_STATES),
  amountMinor: shownMinor.describe(
    "of this step: what was captured, refunded or disputed; else the payment's own",
  ),
  currency: shownCurrency,
  at: time,
  paymentMethod: z.string().nullable().optional().describe('where Laravel says it'),
  source: z.literal('laravel').optional(),
})

function durable(summary: string) {
  return { data: PAYMENT, class: 'durable', summary } as const
}

/** Of money. Laravel may not send any of these names. */
export const PAYMENT_PUSHES = {
  'payment:updated': durable('a payment took a step, whichever'),
  'payment:completed': durable('it was captured: the ride is paid; once in its life'),
  'payment:failed': durable('it failed, was cancelled, or is over'),
  'payment:refunded': durable('some of it, or all, was given back'),
  'payment:disputed': durable('the payer disputes it'),
} as const
