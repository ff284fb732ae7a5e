import type { ApiRequest, Confirmation, Confirmer, EventInDoubt, GatewayApi } from '../confirm.ts'
import { type JsonObject, parseObject } from '../kit/body.ts'
import { NOTHING } from '../kit/verdict.ts'
import { objectOf, readObject, type XenditObject } from '../xendit-facts.ts'
import { basicAuth, confirmedAs, denied } from './answer.ts'

/** Asks for the object that the delivery named, in the version of the API that made it. */
export const xenditConfirmer: Confirmer = { apiUrl: 'https://api.xendit.co', ask }

async function ask({ fact, payout = null, body }: EventInDoubt, api: GatewayApi): Promise<Confirmation> {
  const told = parseObject(body)
  const one = told === null ? null : objectOf(told)
  const said = fact ?? payout
  if (said === null || one === null || !('id' in one)) return denied('reference_missing')
  const answer = await api.call(requestOf(one, api))
  if (answer.status === 404) return denied('object_unknown')
  if (answer.status !== 200 || answer.body === null) return { kind: 'waiting' }
  const shown = shownAs(one, answer.body)
  if (!('id' in shown) || shown.id !== one.id) return denied('object_differs')
  const now = readObject(shown)
  // A refund under way has no fact yet.
  return now === NOTHING ? { kind: 'waiting' } : confirmedAs(said, now)
}

type Named = Extract<XenditObject, { id: string }>

/** The version of the Payments API that objects with a `payment_id` or a `refund_id` are of. */
const V3 = { 'api-version': '2024-11-11' } as const

function requestOf(one: Named, { settings }: GatewayApi): ApiRequest {
  const id = encodeURIComponent(one.id)
  const authorization = basicAuth(settings.API_KEY, '')
  const get = (path: string, more: Readonly<Record<string, string>> = {}): ApiRequest => ({
    method: 'GET',
    path,
    headers: { authorization, ...more },
  })
  switch (one.is) {
    case 'payment':
      return get(`/v3/payments/${id}`, V3)
    case 'request':
      return get(`/payment_requests/${id}`)
    case 'refund':
      return one.object.refund_id === undefined ? get(`/refunds/${id}`) : get(`/v3/refunds/${id}`, V3)
    case 'payout':
      return get(`/v2/payouts/${id}`)
    case 'invoice':
      return get(`/v2/invoices/${id}`)
    default:
      return one.is satisfies never
  }
}

/** The answer is the object itself, under its own id. */
function shownAs({ is }: Named, answer: JsonObject): XenditObject {
  const id =
    is === 'payment' ? answer.payment_id : is === 'refund' ? (answer.refund_id ?? answer.id) : answer.id
  return typeof id === 'string' ? { is, id, object: answer } : { is: 'unreadable' }
}
