import type { FactKind } from '../../payments/fact.ts'
import { majorUnits } from './kit/amount.ts'
import { identifierText, type JsonObject } from './kit/body.ts'
import { completeFact, held, NOTHING, type PaymentReading, type Reading } from './kit/verdict.ts'
import { readFlutterwaveTransfer } from './payouts/flutterwave.ts'

/** A charge's states in v4, https://developer.flutterwave.com/reference/charges_get. */
const CHARGES_V4: ReadonlyMap<unknown, FactKind> = new Map<unknown, FactKind>([
  ['pending', 'pending'],
  ['authorized', 'authorized'],
  ['succeeded', 'captured'],
  ['failed', 'failed'],
  ['voided', 'cancelled'],
])

/** A transaction's states in v3, https://developer.flutterwave.com/v3.0/reference/verify-transaction. */
const TRANSACTIONS_V3: ReadonlyMap<unknown, FactKind> = new Map<unknown, FactKind>([
  ['pending', 'pending'],
  ['successful', 'captured'],
  ['failed', 'failed'],
])

const REFUNDS_V4: ReadonlyMap<unknown, FactKind> = new Map<unknown, FactKind>([
  ['succeeded', 'refunded'],
  ['completed', 'refunded'],
  ['failed', 'refund_failed'],
])

export function readV4(type: string, data: JsonObject): Reading {
  if (type.startsWith('charge.')) return readCharge(data)
  if (type.startsWith('refund.')) return readRefund(data)
  if (type.startsWith('transfer.')) return readFlutterwaveTransfer(type, data)
  // What chargebacks look like is not documented: a person looks at them.
  return type.startsWith('chargeback.') ? held('event_unknown') : NOTHING
}

/** What v3 says of refunds and chargebacks is not documented either. */
export function readV3(event: string, data: JsonObject): Reading {
  if (event.startsWith('charge.')) return readTransaction(data)
  if (event.startsWith('transfer.')) return readFlutterwaveTransfer(event, data)
  return event.startsWith('refund') || event.startsWith('chargeback') ? held('event_unknown') : NOTHING
}

function readCharge(data: JsonObject): Reading {
  const kind = CHARGES_V4.get(data.status)
  if (kind === undefined) return held('status_unknown')
  return completeFact({
    kind,
    merchantRef: data.reference,
    gatewayRef: data.id,
    operationRef: data.id,
    ...moneyOf(data, data.amount),
  })
}

/** A refund names its charge by id alone. A pending one has moved nothing yet. */
function readRefund(data: JsonObject): Reading {
  const kind = REFUNDS_V4.get(data.status)
  if (kind === undefined) return NOTHING
  return completeFact({
    kind,
    merchantRef: null,
    gatewayRef: data.charge_id,
    operationRef: data.id,
    ...moneyOf(data, data.amount_refunded ?? data.amount),
  })
}

/** A transaction of v3, as a webhook and as the API's answer write it: both have the same fields. */
export function readTransaction(data: JsonObject): PaymentReading {
  const kind = TRANSACTIONS_V3.get(data.status)
  if (kind === undefined) return held('status_unknown')
  return completeFact({
    kind,
    merchantRef: data.tx_ref,
    gatewayRef: identifierText(data.id),
    operationRef: identifierText(data.id),
    ...moneyOf(data, data.amount),
  })
}

/** Amounts are decimals of major units. */
function moneyOf({ currency }: JsonObject, amount: unknown) {
  return { amountMinor: majorUnits(amount, currency), currency }
}
