import { idToText } from '../base/ids.ts'
import type { PaymentSummary, StoredEntry, StoredTransition } from './payment-list.ts'
import type { PaymentRow } from './store.ts'

// Amounts become JSON numbers: MAX_AMOUNT_MINOR lies within what a double holds exactly.

/** A payment as JSON: amounts in minor units. */
export function paymentJson(row: PaymentRow) {
  const { payment } = row
  return {
    id: idToText(row.id),
    gateway: row.gateway,
    account: row.account,
    merchantRef: row.merchantRef,
    gatewayRef: row.gatewayRef,
    state: payment.state,
    expectedMinor: Number(payment.expectedMinor),
    capturedMinor: Number(payment.capturedMinor),
    currency: payment.currency,
    captureRef: payment.captureRef,
    tripId: row.tripId,
    customerId: row.customerId,
    driverId: row.driverId,
    version: row.version,
    operations: payment.operations.map(({ amountMinor, ...rest }) => ({
      ...rest,
      amountMinor: Number(amountMinor),
    })),
    createdAt: row.createdAt.toISOString(),
  }
}

/** A line of a list as JSON. */
export function paymentSummaryJson(payment: PaymentSummary) {
  return {
    ...payment,
    id: idToText(payment.id),
    expectedMinor: Number(payment.expectedMinor),
    capturedMinor: Number(payment.capturedMinor),
    createdAt: payment.createdAt.toISOString(),
    updatedAt: payment.updatedAt.toISOString(),
  }
}

/** A transition as JSON. */
export function transitionJson(transition: StoredTransition) {
  const { id, eventId, amountMinor, at, ...rest } = transition
  return {
    id: idToText(id),
    ...rest,
    eventId: eventId === null ? null : idToText(eventId),
    amountMinor: amountMinor === null ? null : Number(amountMinor),
    at: at.toISOString(),
  }
}

/** A ledger entry as JSON. Positive is debit. */
export function entryJson({ transitionId, ledgerAccount, amountMinor, currency }: StoredEntry) {
  return { transitionId: idToText(transitionId), ledgerAccount, amountMinor: Number(amountMinor), currency }
}
