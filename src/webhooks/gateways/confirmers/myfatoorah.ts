import type { FactKind, PaymentFact } from '../../../payments/fact.ts'
import type { Confirmation, Confirmer, EventInDoubt, GatewayApi } from '../confirm.ts'
import { majorUnits } from '../kit/amount.ts'
import { identifierText, isObject, type JsonObject } from '../kit/body.ts'
import { completeFact } from '../kit/verdict.ts'

/**
 * `POST /v2/GetPaymentStatus`, https://docs.myfatoorah.com/docs/get-payment-status: the invoice with all its transactions, by the id of
 * one of them. Its amount is in the account's base currency, which only the setting names (the answer says `KD`).
 */
export const myfatoorahConfirmer: Confirmer = { apiUrl: 'https://api.myfatoorah.com', ask }

const PAYMENTS: ReadonlySet<FactKind> = new Set(['authorized', 'captured', 'failed', 'cancelled'])

async function ask({ type, fact }: EventInDoubt, api: GatewayApi): Promise<Confirmation> {
  // Disputes and refunds cannot be asked for: they stay as they are until a person decides.
  if (type !== 'payment' || fact === null || !PAYMENTS.has(fact.kind)) return { kind: 'waiting' }
  const { body } = await api.call({
    method: 'POST',
    path: '/v2/GetPaymentStatus',
    headers: { authorization: `Bearer ${api.settings.API_KEY?.trim() ?? ''}` },
    json: { Key: fact.operationRef, KeyType: 'PaymentId' },
  })
  const invoice = body?.IsSuccess === true && isObject(body.Data) ? body.Data : null
  if (invoice === null) return { kind: 'denied', reason: 'payment_unknown' }
  return judge(fact, invoice, api.settings.BASE_CURRENCY?.trim() ?? '')
}

/** `Succss` is how MyFatoorah spells it. */
const STATUSES: ReadonlyMap<unknown, FactKind> = new Map<unknown, FactKind>([
  ['Succss', 'captured'],
  ['Success', 'captured'],
  ['Authorize', 'authorized'],
  ['Failed', 'failed'],
  ['Canceled', 'cancelled'],
])

function judge(told: PaymentFact, invoice: JsonObject, currency: string): Confirmation {
  const transaction = transactionOf(invoice, told.operationRef)
  if (transaction === null) return { kind: 'denied', reason: 'payment_differs' }
  const now = STATUSES.get(transaction.TransactionStatus)
  if (now === undefined || (now === 'authorized' && told.kind !== 'authorized')) return { kind: 'waiting' }
  // Captured or released since, it was authorized all the same.
  const kind = told.kind === 'authorized' && now !== 'failed' ? told.kind : now
  const { fact, hold } = completeFact({
    kind,
    merchantRef: identifierText(invoice.CustomerReference),
    gatewayRef: identifierText(invoice.InvoiceId),
    operationRef: told.operationRef,
    amountMinor: majorUnits(invoice.InvoiceValue, currency),
    currency,
  })
  return fact === null ? { kind: 'denied', reason: hold ?? 'object_unreadable' } : { kind: 'confirmed', fact }
}

function transactionOf({ InvoiceTransactions: all }: JsonObject, paymentId: string): JsonObject | null {
  const objects = Array.isArray(all) ? all.filter(isObject) : []
  return objects.find(({ PaymentId }) => identifierText(PaymentId) === paymentId) ?? null
}
