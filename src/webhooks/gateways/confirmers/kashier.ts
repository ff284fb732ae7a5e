import type { Confirmation, Confirmer, EventInDoubt, GatewayApi } from '../confirm.ts'
import { factKind, operationOf } from '../kashier-facts.ts'
import { majorUnits } from '../kit/amount.ts'
import { identifierText, isObject, type JsonObject } from '../kit/body.ts'
import { completeFact, held, type PaymentReading } from '../kit/verdict.ts'
import { confirmedAs, denied } from './answer.ts'

/**
 * Asks for the order by our own reference, as Kashier's own NodeJs-Checkout-Demo does: it lists what was done to it, each transaction
 * with its operation, status and amount.
 */
export const kashierConfirmer: Confirmer = { apiUrl: 'https://api.kashier.io', ask }

async function ask({ fact }: EventInDoubt, api: GatewayApi): Promise<Confirmation> {
  const reference = fact?.merchantRef ?? null
  if (fact === null || reference === null) return denied('reference_missing')
  const { status, body } = await api.call({
    method: 'GET',
    path: `/payments/orders/${encodeURIComponent(reference)}`,
    headers: { authorization: api.settings.SECRET_KEY?.trim() ?? '' },
  })
  if (status === 404) return denied('order_unknown')
  const order = status === 200 ? body?.response : null
  if (!isObject(order)) return { kind: 'waiting' }
  if (order.merchantOrderId !== reference) return denied('order_differs')
  const transaction = transactionIn(order, fact.operationRef)
  // The id is signed, so there is such a transaction: the webhook was faster than what the API reads.
  if (transaction === null || transaction.status === 'PENDING') return { kind: 'waiting' }
  return confirmedAs(fact, readTransaction(transaction, reference, fact.operationRef))
}

function transactionIn({ transactions }: JsonObject, id: string): JsonObject | null {
  if (!Array.isArray(transactions)) return null
  return (
    transactions.filter(isObject).find(({ transactionId }) => identifierText(transactionId) === id) ?? null
  )
}

function readTransaction(
  { operation, status, amount, currency }: JsonObject,
  merchantRef: string,
  operationRef: string,
): PaymentReading {
  const done = operationOf(operation)
  const kind = done === null || typeof status !== 'string' ? null : factKind(done, status)
  if (kind === null) return held('status_unknown')
  return completeFact({
    kind,
    merchantRef,
    gatewayRef: null,
    operationRef,
    amountMinor: majorUnits(amount, currency),
    currency,
  })
}
