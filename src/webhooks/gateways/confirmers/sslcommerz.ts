import { exactDecimal } from '../../../base/money.ts'
import type { PaymentFact } from '../../../payments/fact.ts'
import type { Confirmation, Confirmer, EventInDoubt, GatewayApi } from '../confirm.ts'
import { isObject, type JsonObject } from '../kit/body.ts'
import type { PaymentReading } from '../kit/verdict.ts'
import { readFact } from '../sslcommerz-facts.ts'
import { confirmedAs, denied } from './answer.ts'

/**
 * What came is asked for by its `val_id`, as SSLCommerz demands; what did not come has none and is looked for among the attempts
 * of its `tran_id`. Both want the store's password in the query: paths must not be logged.
 */
export const sslcommerzConfirmer: Confirmer = { apiUrl: 'https://securepay.sslcommerz.com', ask }

async function ask({ fact }: EventInDoubt, api: GatewayApi): Promise<Confirmation> {
  if (fact === null || fact.merchantRef === null) return denied('reference_missing')
  const isMoney = fact.kind === 'captured'
  const id = isMoney ? { val_id: fact.operationRef } : { tran_id: fact.merchantRef }
  const { body } = await api.call({ method: 'GET', path: pathOf(isMoney, id, api) })
  // Anything but DONE is about our credentials or their day, and not about the transaction.
  if (body === null || body.APIConnect !== 'DONE') return { kind: 'waiting' }
  return isMoney ? judgePayment(fact, body) : judgeAttempts(fact, body)
}

function pathOf(isMoney: boolean, id: Readonly<Record<string, string>>, { settings }: GatewayApi): string {
  const script = isMoney ? 'validationserverAPI' : 'merchantTransIDvalidationAPI'
  const query = new URLSearchParams({
    ...id,
    store_id: settings.STORE_ID ?? '',
    store_passwd: settings.STORE_PASSWORD ?? '',
    v: '1',
    format: 'json',
  })
  return `/validator/api/${script}.php?${query}`
}

/** VALID at the first question and VALIDATED at every other: both are a payment. */
function judgePayment(told: PaymentFact, body: JsonObject): Confirmation {
  if (body.status === 'INVALID_TRANSACTION') return denied('transaction_unknown')
  const now = readingOf(body)
  if (now.fact !== null && !isSame(told, now.fact)) return denied('transaction_differs')
  return confirmedAs(told, now)
}

function isSame(told: PaymentFact, { operationRef, merchantRef }: PaymentFact): boolean {
  return operationRef === told.operationRef && merchantRef === told.merchantRef
}

/** Of the attempts the one that ended as was told; else one that may still do so. */
function judgeAttempts(told: PaymentFact, body: JsonObject): Confirmation {
  const attempts: readonly unknown[] = Array.isArray(body.element) ? body.element : []
  const confirmations = attempts
    .filter(isObject)
    .map(readingOf)
    .filter(({ fact }) => fact?.merchantRef === told.merchantRef)
    .map((now) => confirmedAs(told, now))
  return (
    confirmations.find(({ kind }) => kind === 'confirmed') ??
    confirmations.find(({ kind }) => kind === 'waiting') ??
    confirmations[0] ??
    denied('transaction_unknown')
  )
}

function readingOf(answer: JsonObject): PaymentReading {
  const texts = Object.entries(answer).flatMap(([name, value]) => {
    const text = typeof value === 'number' ? exactDecimal(value) : value
    return typeof text === 'string' ? [[name, text] as const] : []
  })
  return readFact(new Map(texts))
}
