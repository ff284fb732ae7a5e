import type { FactKind } from '../../payments/fact.ts'
import { DECISIVE_FIELDS, type DecisiveField, type GatewayAccount } from './adapter.ts'
import { majorUnits } from './kit/amount.ts'
import { isIdentifier, isObject, type JsonObject } from './kit/body.ts'
import { completeFact, held, NOTHING, type Reading } from './kit/verdict.ts'
import { type SignedPart, valueAt } from './myfatoorah-text.ts'

/** What a delivery is about, as the names of its signed fields tell: EventType and Event.Code are unsigned. */
export interface Model {
  readonly kind: 'payment' | 'refund' | 'dispute' | 'other'
  /** MyFatoorah's number of the kind. */
  readonly number: number
  readonly id: string | null
  readonly status: string
  readonly reading: Reading
  readonly decisive: readonly DecisiveField[]
}

const OTHER: Model = { kind: 'other', number: 0, id: null, status: '', reading: NOTHING, decisive: [] }

/** Where a version has each thing; a dot leads into an inner object. */
interface Names {
  readonly id: string
  readonly status: string
  /** Our own reference; a refund has none. */
  readonly reference: string | null
  readonly invoice: string
  readonly amount: string
  readonly currency: string
}

/** The display currency is the one in which the payment was opened. `Curreny` is how MyFatoorah spells it. */
const V1_PAYMENT: Names = {
  id: 'PaymentId',
  status: 'TransactionStatus',
  reference: 'CustomerReference',
  invoice: 'InvoiceId',
  amount: 'InvoiceValueInDisplayCurreny',
  currency: 'DisplayCurrency',
}
const V2_PAYMENT: Names = {
  id: 'Transaction.PaymentId',
  status: 'Transaction.Status',
  reference: 'Invoice.ExternalIdentifier',
  invoice: 'Invoice.Id',
  amount: 'Amount.ValueInDisplayCurrency',
  currency: 'Amount.DisplayCurrency',
}
/** A refund is in the account's base currency. */
const V1_REFUND: Names = {
  id: 'RefundId',
  status: 'RefundStatus',
  reference: null,
  invoice: 'InvoiceId',
  amount: 'Amount',
  currency: 'GatewayReference.Currency',
}
const V2_REFUND: Names = {
  id: 'Refund.Id',
  status: 'Refund.Status',
  reference: null,
  invoice: 'ReferencedInvoice.Id',
  amount: 'Amount.ValueInBaseCurrency',
  currency: 'Amount.BaseCurrency',
}
const V1_DISPUTE: Names = { ...V1_PAYMENT, id: 'DisputeTransactionId', status: 'DisputeStatus' }
const V2_DISPUTE: Names = { ...V2_PAYMENT, id: 'Dispute.DisputeTransactionId', status: 'Dispute.Status' }

const PAYMENTS: ReadonlyMap<string, FactKind> = new Map([
  ['SUCCESS', 'captured'],
  ['AUTHORIZE', 'authorized'],
  ['FAILED', 'failed'],
  ['CANCELED', 'cancelled'],
  ['RELEASED', 'cancelled'],
])
const REFUNDS: ReadonlyMap<string, FactKind> = new Map([
  ['REFUNDED', 'refunded'],
  ['CANCELED', 'refund_failed'],
])
const DISPUTES: ReadonlyMap<string, FactKind> = new Map([
  ['PENDING', 'disputed'],
  ['RESOLVED', 'dispute_won'],
  ['LOST', 'dispute_lost'],
])

/** A dispute names the payment and its status too, so that it is looked for first. */
export function readModel(body: JsonObject, signed: SignedPart, { settings }: GatewayAccount): Model {
  const data = isObject(body.Data) ? body.Data : {}
  const { fields, version } = signed
  const isDispute = version === 2 ? fields.has('Dispute.Status') : hasDisputeField(fields)
  if (isDispute) return readDispute(data, signed)
  const refund = version === 2 ? V2_REFUND : V1_REFUND
  if (fields.has(refund.status)) {
    const baseCurrency = settings.BASE_CURRENCY?.trim() || null
    return { kind: 'refund', number: 2, ...read(data, signed, refund, REFUNDS, baseCurrency) }
  }
  const payment = version === 2 ? V2_PAYMENT : V1_PAYMENT
  return fields.has(payment.status)
    ? { kind: 'payment', number: 1, ...read(data, signed, payment, PAYMENTS, null) }
    : OTHER
}

function hasDisputeField(fields: ReadonlyMap<string, string>): boolean {
  for (const name of fields.keys()) if (name.startsWith('Dispute')) return true
  return false
}

/** It names the whole invoice's amount, unsigned. Only a chargeback takes money; a question about a document does not. */
function readDispute(data: JsonObject, signed: SignedPart): Model {
  const [names, type] =
    signed.version === 2 ? [V2_DISPUTE, written(data, 'Dispute.Type')] : [V1_DISPUTE, data.DisputeType]
  const model = read(data, signed, names, DISPUTES, null)
  const isChargeback = type === undefined || type === null || type === 'CHARGEBACK'
  return {
    kind: 'dispute',
    number: 6,
    ...model,
    reading: isChargeback ? model.reading : NOTHING,
    decisive: [],
  }
}

function read(
  data: JsonObject,
  signed: SignedPart,
  names: Names,
  kinds: ReadonlyMap<string, FactKind>,
  pinnedCurrency: string | null,
): Omit<Model, 'kind' | 'number'> {
  const id = signedText(signed, names.id)
  const status = signed.fields.get(names.status) ?? ''
  const kind = kinds.get(status)
  const currency = pinnedCurrency ?? written(data, names.currency)
  const merchantRef = names.reference === null ? null : signedText(signed, names.reference)
  const reading =
    kind === undefined
      ? held('status_unknown')
      : completeFact({
          kind,
          merchantRef,
          // Beside our own reference the payment learns it: a refund names nothing else.
          gatewayRef: signedText(signed, names.invoice),
          operationRef: id,
          amountMinor: majorUnits(written(data, names.amount), currency),
          currency,
        })
  const reference = merchantRef === null ? names.invoice : (names.reference ?? names.invoice)
  return { id, status, reading, decisive: decisiveFields(signed, names, reference, pinnedCurrency !== null) }
}

function signedText({ fields }: SignedPart, name: string): string | null {
  const text = fields.get(name)
  return isIdentifier(text) ? text : null
}

/** As the body has it, signed or not: a number must not become a text before its digits were counted. */
function written(data: JsonObject, name: string): unknown {
  if (name.includes('.')) return valueAt(data, name)
  return Object.hasOwn(data, name) ? data[name] : undefined
}

/** Signed without doubt: named among the signed fields, in a text that can be read in one way only. */
function decisiveFields(
  { fields, isUnambiguous }: SignedPart,
  { id, status, amount, currency }: Names,
  reference: string,
  isCurrencyPinned: boolean,
): readonly DecisiveField[] {
  if (!isUnambiguous) return []
  const where: Readonly<Record<DecisiveField, string>> = {
    reference,
    amount,
    currency,
    status,
    transaction: id,
  }
  return DECISIVE_FIELDS.filter(
    (field) => fields.has(where[field]) || (field === 'currency' && isCurrencyPinned),
  )
}
