import { idToText } from '../base/ids.ts'
import type { PaymentSummary, StoredEntry, StoredTransition } from '../payments/payment-list.ts'
import type { PaymentState } from '../payments/state.ts'
import type { PaymentRow } from '../payments/store.ts'
import { amountText, timeText } from './event-view.ts'
import type { Cell, Colour, Printer } from './printer.ts'

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

/** What a payment is, one fact a line. */
export function paymentFacts(printer: Printer, row: PaymentRow): string[] {
  const { payment } = row
  return printer.facts([
    ['payment', idToText(row.id)],
    ['gateway', `${row.gateway}/${row.account}`],
    ['state', paymentStateCell(payment.state)],
    ['expected', amountText(payment.expectedMinor, payment.currency)],
    ['captured', amountText(payment.capturedMinor, payment.currency)],
    ['merchant ref', row.merchantRef],
    ['gateway ref', row.gatewayRef],
    ['capture ref', payment.captureRef],
    ['trip', row.tripId],
    ['customer', row.customerId],
    ['driver', row.driverId],
    ['version', String(row.version)],
    ['registered', timeText(row.createdAt)],
  ])
}

/** Payments as a table. */
export function paymentTable(printer: Printer, payments: readonly PaymentSummary[]): string[] {
  return printer.table(
    ['ID', 'REGISTERED', 'GATEWAY', 'MERCHANT REF', 'EXPECTED', 'CAPTURED', 'STATE'],
    payments.map((payment) => [
      idToText(payment.id),
      timeText(payment.createdAt),
      `${payment.gateway}/${payment.account}`,
      payment.merchantRef,
      amountText(payment.expectedMinor, payment.currency),
      amountText(payment.capturedMinor, payment.currency),
      paymentStateCell(payment.state),
    ]),
    'no payments',
  )
}

const STATE_COLOURS: Readonly<Partial<Record<PaymentState, Colour>>> = {
  captured: 'green',
  dispute_won: 'green',
  disputed: 'red',
  dispute_lost: 'red',
  failed: 'red',
  cancelled: 'dim',
  expired: 'dim',
}

function paymentStateCell(state: PaymentState): Cell {
  const colour = STATE_COLOURS[state]
  return colour === undefined ? state : { text: state, colour }
}
