import type { FactKind, PaymentFact } from '../../../payments/fact.ts'
import type { Confirmation, Confirmer, EventInDoubt, GatewayApi } from '../confirm.ts'
import type { JsonObject } from '../kit/body.ts'
import { readOperations, readWhole } from '../midtrans-facts.ts'
import { basicAuth } from './answer.ts'

/** `GET /v2/{order_id}/status` answers in the form of a notification, with the status that the transaction has now. */
export const midtransConfirmer: Confirmer = { apiUrl: 'https://api.midtrans.com', ask }

async function ask({ fact }: EventInDoubt, api: GatewayApi): Promise<Confirmation> {
  const orderId = fact?.merchantRef
  if (fact === null || !orderId) return { kind: 'denied', reason: 'reference_missing' }
  const { body } = await api.call({
    method: 'GET',
    path: `/v2/${encodeURIComponent(orderId)}/status`,
    headers: { authorization: basicAuth(api.settings.SERVER_KEY, '') },
  })
  if (body === null) return { kind: 'waiting' }
  if (body.status_code === '404') return { kind: 'denied', reason: 'transaction_unknown' }
  if (body.order_id !== orderId) return { kind: 'denied', reason: 'transaction_differs' }
  return judge(fact, body)
}

/** Statuses that a transaction can only have after it was captured. */
const AFTER_CAPTURE: ReadonlySet<unknown> = new Set([
  'refund',
  'partial_refund',
  'chargeback',
  'partial_chargeback',
])

/** The notification may be ahead of the API: what is still under way there may become what was told. */
const UNDER_WAY: ReadonlySet<FactKind> = new Set(['pending', 'authorized'])

/**
 * The same operation, where the API knows of it; else the state in which the transaction is by now. Whatever is confirmed is what
 * the API says, so that a forged notification can at most bring forward what is true.
 */
function judge(told: PaymentFact, body: JsonObject): Confirmation {
  const facts = factsOf(body)
  const same = facts.find(
    ({ kind, operationRef }) => kind === told.kind && operationRef === told.operationRef,
  )
  if (same !== undefined) return { kind: 'confirmed', fact: same }
  const [now] = facts
  if (now === undefined) return { kind: 'denied', reason: 'status_unknown' }
  const mayFollow = isOperation(told.kind) || (UNDER_WAY.has(now.kind) && !UNDER_WAY.has(told.kind))
  return mayFollow ? { kind: 'waiting' } : { kind: 'confirmed', fact: now }
}

/** What is true of the transaction now: its operations, and the capture that came before them. */
function factsOf(body: JsonObject): readonly PaymentFact[] {
  const capture = AFTER_CAPTURE.has(body.transaction_status) ? [readWhole(body, 'captured')] : []
  const readings = [...capture, ...readOperations(body).map(({ reading }) => reading)]
  return readings.flatMap(({ fact }) => (fact === null ? [] : [fact]))
}

function isOperation(kind: FactKind): boolean {
  return kind === 'refunded' || kind === 'disputed'
}
