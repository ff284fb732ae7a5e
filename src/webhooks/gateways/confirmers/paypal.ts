import type { ApiAnswer, Confirmation, Confirmer, EventInDoubt, GatewayApi } from '../confirm.ts'
import { readFact } from '../paypal-facts.ts'
import { basicAuth, denied } from './answer.ts'

/**
 * Asks for the event itself, https://developer.paypal.com/docs/api/webhooks/v1/#webhooks-events_get: PayPal keeps what it sent for
 * as long as it may send it again, so that what was true then is confirmed whatever became of the payment since.
 */
export const paypalConfirmer: Confirmer = { apiUrl: 'https://api-m.paypal.com', ask }

async function ask({ eventId, type }: EventInDoubt, api: GatewayApi): Promise<Confirmation> {
  const { status, body } = await getEvent(eventId, api)
  if (status !== 200 || body === null || body.id !== eventId) return denied('event_unknown')
  if (body.event_type !== type) return denied('type_differs')
  const { fact, hold } = readFact(type, body.resource)
  return fact === null ? denied(hold ?? 'object_unreadable') : { kind: 'confirmed', fact }
}

async function getEvent(eventId: string, api: GatewayApi): Promise<ApiAnswer> {
  const token = await tokenFor(api)
  const path = `/v1/notifications/webhooks-events/${encodeURIComponent(eventId)}`
  try {
    return await api.call({ method: 'GET', path, headers: { authorization: `Bearer ${token}` } })
  } catch (error) {
    // It may have been revoked before its time; the next question gets another.
    tokens.delete(api)
    throw error
  }
}

interface Token {
  readonly text: string
  /** On the monotonic clock, in milliseconds. */
  readonly untilMs: number
}

/** One an account, never kept beyond its life. */
const tokens = new WeakMap<GatewayApi, Token>()

/** A token is not used in its last minute: it may take as long as that to arrive. */
const MARGIN_SECONDS = 60

async function tokenFor(api: GatewayApi): Promise<string> {
  const known = tokens.get(api)
  if (known !== undefined && performance.now() < known.untilMs) return known.text
  tokens.delete(api)
  const { CLIENT_ID, CLIENT_SECRET } = api.settings
  const askedMs = performance.now()
  const { body } = await api.call({
    method: 'POST',
    path: '/v1/oauth2/token',
    headers: { authorization: basicAuth(CLIENT_ID, CLIENT_SECRET) },
    form: { grant_type: 'client_credentials' },
  })
  const text = body?.access_token
  if (typeof text !== 'string' || text === '') throw new Error('PayPal gave no access token')
  const seconds = typeof body?.expires_in === 'number' ? body.expires_in - MARGIN_SECONDS : 0
  tokens.set(api, { text, untilMs: askedMs + seconds * 1_000 })
  return text
}
