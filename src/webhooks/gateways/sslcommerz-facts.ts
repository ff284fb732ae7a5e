import type { FactKind } from '../../payments/fact.ts'
import { majorUnits } from './kit/amount.ts'
import { completeFact, held, type PaymentReading } from './kit/verdict.ts'

export type SslcommerzFields = ReadonlyMap<string, string>

/** VALIDATED: the merchant has asked the validation API before, which is no error. */
const STATUSES: ReadonlyMap<unknown, FactKind> = new Map([
  ['VALID', 'captured'],
  ['VALIDATED', 'captured'],
  ['FAILED', 'failed'],
  ['CANCELLED', 'cancelled'],
  ['UNATTEMPTED', 'expired'],
  ['EXPIRED', 'expired'],
  ['PENDING', 'pending'],
])

/** What its status means; undefined for a word that is new. */
export function kindOf(fields: SslcommerzFields): FactKind | undefined {
  return STATUSES.get(fields.get('status'))
}

/** The fact of an IPN's signed fields, or of what the validation API says, which has the same names. */
export function readFact(fields: SslcommerzFields): PaymentReading {
  const kind = kindOf(fields)
  if (kind === undefined) return held('status_unknown')
  const [amount, currency] = moneyOf(fields)
  return completeFact({
    kind,
    merchantRef: fields.get('tran_id'),
    gatewayRef: null,
    // The bank's id is not there in every answer about what did not come.
    operationRef: kind === 'captured' ? fields.get('val_id') : fields.get('tran_id'),
    amountMinor: majorUnits(amount, currency),
    currency,
  })
}

/** `currency_amount` of `currency_type` is what the session was opened with; `amount` is its equivalent in taka. */
function moneyOf(fields: SslcommerzFields): readonly [amount: unknown, currency: unknown] {
  const currency = fields.get('currency_type')
  const amount = fields.get('currency_amount')
  return currency && amount ? [amount, currency] : [fields.get('amount'), fields.get('currency')]
}
