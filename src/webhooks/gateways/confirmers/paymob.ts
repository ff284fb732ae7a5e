import type { FactKind, PaymentFact } from '../../../payments/fact.ts'
import type { Confirmation, Confirmer, EventInDoubt, GatewayApi } from '../confirm.ts'
import { identifierText, isIdentifier, type JsonObject, parseObject } from '../kit/body.ts'
import { readPaymobFact } from '../paymob-facts.ts'
import { valueAt } from '../paymob-hmac.ts'

/**
 * Looks the transaction up, https://developers.paymob.com, "Transaction inquiry APIs: by transaction ID": `GET
 * /api/acceptance/transactions/{id}` answers with what a callback holds, for a token that the API key buys and that lasts an hour.
 */
export const paymobConfirmer: Confirmer = { apiUrl: 'https://accept.paymob.com', ask }

async function ask({ fact, body: bytes }: EventInDoubt, api: GatewayApi): Promise<Confirmation> {
  // A void's operation is the transaction that it undoes; it is looked up itself.
  const id = identifierText(valueAt(parseObject(bytes) ?? {}, ['obj', 'id']))
  if (fact === null || id === null) return denied('event_unknown')
  const token = await buyToken(api)
  const { status, body } = await api.call({
    method: 'GET',
    path: `/api/acceptance/transactions/${encodeURIComponent(id)}`,
    headers: { authorization: `Bearer ${token}` },
  })
  if (status !== 200 || body === null) return denied('transaction_unknown')
  if (identifierText(body.id) !== id) return denied('transaction_differs')
  return judge(fact.kind, body)
}

/** Asked for anew each time: its hour may be over at any moment, and a 401 would count as a refusal of the key. */
async function buyToken(api: GatewayApi): Promise<string> {
  const { body } = await api.call({
    method: 'POST',
    path: '/api/auth/tokens',
    json: { api_key: api.settings.API_KEY ?? '' },
  })
  const token = body?.token
  if (!isIdentifierLike(token)) throw new Error('Paymob gave no token for its API key')
  return token
}

/** A token is longer than any id. */
function isIdentifierLike(value: unknown): value is string {
  return typeof value === 'string' && /^[\w.~+/=-]{1,4096}$/.test(value)
}

function judge(told: FactKind, transaction: JsonObject): Confirmation {
  const { fact, hold } = readPaymobFact(asItWas(told, transaction))
  if (hold !== null) return denied(hold)
  // A follow-up that did not succeed (yet).
  if (fact === null || (fact.kind === 'pending' && told !== 'pending')) return { kind: 'waiting' }
  const merchantRef = valueAt(transaction, ['order', 'merchant_order_id'])
  const found: PaymentFact = { ...fact, merchantRef: isIdentifier(merchantRef) ? merchantRef : null }
  // Whatever has an outcome by now was under way before.
  return { kind: 'confirmed', fact: told === 'pending' ? { ...found, kind: 'pending' } : found }
}

/**
 * A transaction that was refunded or voided since is the authorized or captured one that was told all the same: what came after it
 * has callbacks of its own.
 */
function asItWas(told: FactKind, transaction: JsonObject): JsonObject {
  const since = told === 'cancelled' ? { is_refunded: false } : { is_refunded: false, is_voided: false }
  return { ...transaction, ...since }
}

function denied(reason: string): Confirmation {
  return { kind: 'denied', reason }
}
