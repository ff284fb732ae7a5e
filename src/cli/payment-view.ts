import { idToText } from '../base/ids.ts'
import type { PaymentSummary } from '../payments/payment-list.ts'
import type { PaymentState } from '../payments/state.ts'
import type { PaymentRow } from '../payments/store.ts'
import { amountText, timeText } from './event-view.ts'
import type { Cell, Colour, Printer } from './printer.ts'

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
