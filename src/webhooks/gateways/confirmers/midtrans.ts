import type { PaymentFact } from '../../../payments/fact.ts'
import type { Confirmation, Confirmer, EventInDoubt, GatewayApi } from '../confirm.ts'
import { type JsonObject, parseObject } from '../kit/body.ts'
import { readOperations, readWhole, statusOf } from '../midtrans-facts.ts'
import { basicAuth, confirmedAs, denied } from './answer.ts'

/** `GET /v2/{id}/status` answers in the form of a notification, with the status that the transaction has now. */
export const midtransConfirmer: Confirmer = { apiUrl: 'https://api.midtrans.com', ask }

/**
 * Midtrans knows a transaction by its own id and by the order's, DANA and BI-SNAP by its own alone. That one is unsigned, so what
 * comes back must be of the order that is signed.
 */
async function ask({ fact, body: told }: EventInDoubt, api: GatewayApi): Promise<Confirmation> {
  const orderId = fact?.merchantRef
  if (fact === null || !orderId) return denied('reference_missing')
  const transactionId = transactionIdIn(told)
  const { body } = await api.call({
    method: 'GET',
    path: `/v2/${encodeURIComponent(transactionId ?? orderId)}/status`,
    headers: { authorization: basicAuth(api.settings.SERVER_KEY, '') },
  })
  if (body === null) return { kind: 'waiting' }
  if (body.status_code === '404') return denied('transaction_unknown')
  const isMeant = transactionId === null || body.transaction_id === transactionId
  if (body.order_id !== orderId || !isMeant) return denied('transaction_differs')
  return judge(fact, body)
}

const TRANSACTION_ID = /^[\w-]{1,64}$/

function transactionIdIn(told: Buffer): string | null {
  const id = parseObject(told)?.transaction_id
  return typeof id === 'string' && TRANSACTION_ID.test(id) ? id : null
}

/** Statuses that a transaction can only have after it was captured. */
const AFTER_CAPTURE: ReadonlySet<unknown> = new Set([
  'refund',
  'partial_refund',
  'chargeback',
  'partial_chargeback',
])

/** A refund or chargeback that the list does not hold yet is asked for again: the notification may be ahead of the API. */
function judge(told: PaymentFact, body: JsonObject): Confirmation {
  const isAfterCapture = AFTER_CAPTURE.has(statusOf(body))
  if (told.kind === 'refunded' || told.kind === 'disputed') {
    const facts = readOperations(body).flatMap(({ reading: { fact } }) => (fact === null ? [] : [fact]))
    const fact = facts.find(
      ({ kind, operationRef }) => kind === told.kind && operationRef === told.operationRef,
    )
    return fact === undefined ? { kind: 'waiting' } : { kind: 'confirmed', fact }
  }
  const [now] = isAfterCapture
    ? [readWhole(body, 'captured')]
    : readOperations(body).map(({ reading }) => reading)
  return now === undefined ? denied('status_unknown') : confirmedAs(told, now)
}
