import { createHash } from 'node:crypto'
import type { FactKind } from '../../../payments/fact.ts'
import type { Confirmation, Confirmer, EventInDoubt, GatewayApi } from '../confirm.ts'
import { CURRENCY, type FawryOrder, readFawryFact } from '../fawry-facts.ts'
import { majorUnits } from '../kit/amount.ts'
import { identifierText, type JsonObject, parseObject } from '../kit/body.ts'

/**
 * "Get Payment Status V2", https://developer.fawrystaging.com/docs/payment-notifications: asks for an order by our own reference, with
 * a SHA-256 of the merchant code, the reference and the secure key. The answer has the fields of a notification.
 */
export const fawryConfirmer: Confirmer = { apiUrl: 'https://www.atfawry.com', ask }

const NOT_FOUND = 9938

async function ask({ fact, body }: EventInDoubt, api: GatewayApi): Promise<Confirmation> {
  // Where our reference is unsigned it is only what is asked for; the answer must be of Fawry's own.
  const reference = fact?.merchantRef ?? identifierText(parseObject(body)?.merchantRefNumber)
  if (fact === null || reference === null) return denied('reference_missing')
  const { status, body: order } = await api.call({ method: 'GET', path: pathOf(reference, api) })
  if (order === null || order.statusCode === NOT_FOUND || status === 404) return denied('order_unknown')
  const now = readOrder(order, fact.merchantRef === null)
  if (now === null || fact.operationRef.split(':')[0] !== now.fawryRef) return denied('order_differs')
  if (identifierText(order.merchantRefNumber) !== reference) return denied('order_differs')
  return judge(fact.kind, now)
}

function pathOf(reference: string, { settings }: GatewayApi): string {
  const { MERCHANT_CODE: code = '', SECURE_KEY: key = '' } = settings
  const signature = createHash('sha256').update(`${code.trim()}${reference}${key.trim()}`).digest('hex')
  const query = new URLSearchParams({ merchantCode: code.trim(), merchantRefNumber: reference, signature })
  return `/ECommerceWeb/Fawry/payments/status/v2?${query}`
}

/** Fawry's own reference goes by two names. */
function readOrder(order: JsonObject, isFoundByFawry: boolean): FawryOrder | null {
  const fawryRef = identifierText(order.fawryRefNumber ?? order.referenceNumber)
  const status = identifierText(order.orderStatus ?? order.paymentStatus)
  if (fawryRef === null || status === null) return null
  const merchantRef = isFoundByFawry ? null : identifierText(order.merchantRefNumber)
  return { fawryRef, merchantRef, orderMinor: majorUnits(order.orderAmount, CURRENCY), status }
}

/** Statuses that an order can only have after it was paid. */
const AFTER_PAID: ReadonlySet<string> = new Set(['DELIVERED', 'REFUNDED', 'PARTIAL_REFUNDED'])

function judge(told: FactKind, order: FawryOrder): Confirmation {
  const then = told === 'captured' && AFTER_PAID.has(order.status) ? { ...order, status: 'PAID' } : order
  const { fact, hold } = readFawryFact(told === 'pending' ? { ...order, status: 'NEW' } : then)
  if (fact === null) return denied(hold ?? 'status_differs')
  // The notification may be ahead of the API.
  const isBehind = fact.kind === 'pending' || (told === 'refunded' && fact.kind === 'captured')
  return isBehind && told !== 'pending' ? { kind: 'waiting' } : { kind: 'confirmed', fact }
}

function denied(reason: string): Confirmation {
  return { kind: 'denied', reason }
}
