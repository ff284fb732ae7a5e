import type { ApiAnswer, Confirmation, Confirmer, EventInDoubt, GatewayApi } from '../confirm.ts'
import { isIdentifier, isObject, type JsonObject, parseObject } from '../kit/body.ts'
import { NOTHING, type Reading } from '../kit/verdict.ts'
import { readOrder, readRefund } from '../phonepe-facts.ts'
import { confirmedAs, denied } from './answer.ts'

/** The status APIs of version 2, each behind a token that is asked for every time. Version 1 has other credentials: it is not asked. */
export const phonepeConfirmer: Confirmer = { apiUrl: 'https://api.phonepe.com', ask }

async function ask({ fact, type, body }: EventInDoubt, api: GatewayApi): Promise<Confirmation> {
  const payload = parseObject(body)?.payload
  if (fact === null || !isObject(payload)) return denied('version_unasked')
  const isRefund = fact.kind === 'refunded' || fact.kind === 'refund_failed'
  const id = isRefund ? payload.merchantRefundId : payload.merchantOrderId
  if (!isIdentifier(id)) return denied('reference_missing')
  const token = await tokenOf(api)
  if (token === null) return { kind: 'waiting' }
  const path = isRefund ? refundPath(id) : orderPath(type, id)
  const headers = { authorization: `O-Bearer ${token}` }
  const answer = await api.call({ method: 'GET', path: productPath(api) + path, headers })
  const now = isRefund
    ? readingOf(answer, (shown) => readRefund({ merchantRefundId: id, ...shown }))
    : readingOf(answer, (shown) => orderShown(shown, id))
  if (now === null) return { kind: 'waiting' }
  return now === 'unknown' ? denied('order_unknown') : confirmedAs(fact, now)
}

/** Standard checkout and custom checkout keep their orders apart. */
function orderPath(event: string, id: string): string {
  const product = /^checkout/i.test(event) ? 'checkout' : 'payments'
  return `/${product}/v2/order/${encodeURIComponent(id)}/status`
}

function refundPath(id: string): string {
  return `/payments/v2/refund/${encodeURIComponent(id)}/status`
}

/** The sandbox has one address for both; in production tokens and payments have their own. */
const SANDBOX = /\/pg-sandbox\/*$/

function productPath({ settings }: GatewayApi): string {
  return SANDBOX.test(settings.API_URL?.trim() ?? '') ? '' : '/apis/pg'
}

async function tokenOf(api: GatewayApi): Promise<string | null> {
  const { CLIENT_ID = '', CLIENT_SECRET = '', CLIENT_VERSION, API_URL } = api.settings
  const { status, body } = await api.call({
    method: 'POST',
    path: SANDBOX.test(API_URL?.trim() ?? '') ? '/v1/oauth/token' : '/apis/identity-manager/v1/oauth/token',
    form: {
      client_id: CLIENT_ID,
      client_version: CLIENT_VERSION?.trim() || '1',
      client_secret: CLIENT_SECRET,
      grant_type: 'client_credentials',
    },
  })
  const token = body?.access_token
  return status === 200 && typeof token === 'string' && TOKEN.test(token) ? token : null
}

const TOKEN = /^[\w.~+/=-]{1,4096}$/

/** Null: the API cannot say. */
function readingOf(
  { status, body }: ApiAnswer,
  read: (shown: JsonObject) => Reading,
): Reading | 'unknown' | null {
  if (status === 404) return 'unknown'
  if (status !== 200 || body === null) return null
  const now = read(body)
  return now === NOTHING ? null : now
}

/** Custom checkout answers without our reference: it was asked by it. */
function orderShown(shown: JsonObject, asked: string): Reading {
  return readOrder({ merchantOrderId: asked, ...shown })
}
