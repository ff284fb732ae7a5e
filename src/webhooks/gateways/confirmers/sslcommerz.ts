import { exactDecimal } from '../../../base/money.ts'
import type { PaymentFact } from '../../../payments/fact.ts'
import type { Confirmation, Confirmer, EventInDoubt, GatewayApi } from '../confirm.ts'
import { isObject, type JsonObject } from '../kit/body.ts'
import { readFact } from '../sslcommerz-facts.ts'

/**
 * What came is asked for by its `val_id`, as SSLCommerz demands; what did not come has none and is looked for among the attempts
 * of its `tran_id`. Both want the store's password in the query: paths must not be logged.
 */
export const sslcommerzConfirmer: Confirmer = { apiUrl: 'https://securepay.sslcommerz.com', ask }

async function ask({ fact }: EventInDoubt, api: GatewayApi): Promise<Confirmation> {
  if (fact === null || fact.merchantRef === null) return { kind: 'denied', reason: 'reference_missing' }
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
  if (body.status === 'INVALID_TRANSACTION') return { kind: 'denied', reason: 'transaction_unknown' }
  const fact = factOf(body)
  if (fact === null) return { kind: 'denied', reason: 'answer_unreadable' }
  return fact.operationRef === told.operationRef && fact.merchantRef === told.merchantRef
    ? { kind: 'confirmed', fact }
    : { kind: 'denied', reason: 'transaction_differs' }
}

/** An attempt that came through counts before those that did not; among those the one that was told. */
function judgeAttempts(told: PaymentFact, body: JsonObject): Confirmation {
  const attempts: readonly unknown[] = Array.isArray(body.element) ? body.element : []
  const facts = attempts
    .flatMap((attempt) => (isObject(attempt) ? (factOf(attempt) ?? []) : []))
    .filter(({ merchantRef }) => merchantRef === told.merchantRef)
  const fact = facts.find(({ kind }) => kind === 'captured') ?? facts.find(({ kind }) => kind === told.kind)
  if (fact !== undefined) return { kind: 'confirmed', fact }
  return facts.length === 0 ? { kind: 'denied', reason: 'transaction_unknown' } : { kind: 'waiting' }
}

function factOf(answer: JsonObject): PaymentFact | null {
  const texts = Object.entries(answer).flatMap(([name, value]) => {
    const text = typeof value === 'number' ? exactDecimal(value) : value
    return typeof text === 'string' ? [[name, text] as const] : []
  })
  return readFact(new Map(texts)).fact
}
