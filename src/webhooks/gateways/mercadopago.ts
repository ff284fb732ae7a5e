import { createHmac } from 'node:crypto'
import type { Delivery, GatewayAccount, GatewayAdapter, GatewayEvent, Received } from './adapter.ts'
import { mercadopagoConfirmer } from './confirmers/mercadopago.ts'
import { dateOfText, identifierText, parseObject } from './kit/body.ts'
import { isFresh } from './kit/clock.ts'
import { hintId } from './kit/hint.ts'
import { decodeHex, findSecret, hmacBytes, sameBytes } from './kit/signature.ts'
import { accepted, refused } from './kit/verdict.ts'

const SHA256_BYTES = 32

/**
 * A day. Mercado Pago repeats after hours and does not say whether it signs anew; as an old delivery moves nothing by itself,
 * losing a repetition would be worse than taking one again.
 */
const TOLERANCE_SECONDS = 86_400

/** Letters, digits, `-` and `_`: an id with separators could spell the fields that follow it. */
const DATA_ID = /^[A-Za-z0-9_-]{1,100}$/

/** Printable and without `;`, for the same reason. */
const REQUEST_ID = /^[\x21-\x3a\x3c-\x7e]{1,128}$/

/** Ten digits are seconds, thirteen milliseconds; both are sent. */
const TIMESTAMP = /^(?:\d{10}|\d{13})$/

/**
 * Mercado Pago, https://www.mercadopago.com.br/developers/en/docs/your-integrations/notifications/webhooks: `x-signature` is
 * `ts=…,v1=…` over `id:<data.id of the query, lower case>;request-id:<x-request-id>;ts:<ts>;` (as sdk-nodejs,
 * src/utils/webhook). The body is unsigned, so that a delivery only hints at the payment of the query, and the API is asked.
 */
export const mercadopago: GatewayAdapter = {
  name: 'mercadopago',
  about: {
    title: 'Mercado Pago',
    source: 'https://www.mercadopago.com.br/developers/en/docs/your-integrations/notifications/webhooks',
    signature:
      'HMAC-SHA256 hex of `data.id` of the query, `x-request-id` and `ts`, in `x-signature`; the body is unsigned',
    eventId: '`type`, `data.id` of the query, and the ten seconds of the signed `ts`',
  },
  tier: 'B',
  confirmFirst: true,
  secretForm: 'text',
  toleranceSeconds: TOLERANCE_SECONDS,
  settings: [
    {
      name: 'ACCESS_TOKEN',
      meaning: 'the access token of the application (`APP_USR-…`), which is asked about each payment',
      needed: 'confirm',
    },
  ],
  receive,
  confirm: mercadopagoConfirmer,
}

function receive(delivery: Delivery, account: GatewayAccount, nowMs: number | null): Received {
  const header = delivery.headers['x-signature']
  if (header === undefined || header === '') return refused('signature_missing', 'no x-signature header')
  const parts = readHeader(header)
  if (parts === null)
    return refused('signature_invalid', 'x-signature is not one ts and one v1 of 64 hex digits')
  const [dataId = '', ...others] = delivery.query.getAll('data.id')
  if (others.length > 0 || !DATA_ID.test(dataId))
    return refused('signature_invalid', 'data.id of the query is not one id')
  const requestId = delivery.headers['x-request-id']
  if (requestId !== undefined && !REQUEST_ID.test(requestId))
    return refused('signature_invalid', 'x-request-id is not one printable id')

  const signed = signedText(dataId, requestId, parts.ts)
  const secretIndex = findSecret(account, (key) => sameBytes(hmacBytes('sha256', key, signed), parts.v1))
  if (secretIndex < 0) return refused('signature_invalid', 'x-signature matches no active secret')
  const signedMs = Number(parts.ts) * (parts.ts.length === 10 ? 1_000 : 1)
  if (!isFresh(Math.floor(signedMs / 1_000), nowMs, TOLERANCE_SECONDS))
    return refused('signature_expired', 'ts is more than a day away')
  return accepted(secretIndex, parts.v1.toString('hex'), readEvent(delivery, dataId.toLowerCase(), signedMs))
}

function readHeader(header: string): { readonly ts: string; readonly v1: Buffer } | null {
  const fields = header.split(',').map((field) => field.trim())
  const only = (name: string) => {
    const [value, ...others] = fields.filter((field) => field.startsWith(`${name}=`))
    return value === undefined || others.length > 0 ? '' : value.slice(name.length + 1)
  }
  const ts = only('ts')
  const v1 = decodeHex(only('v1'), SHA256_BYTES)
  return v1 === null || !TIMESTAMP.test(ts) ? null : { ts, v1 }
}

/** What has no value is left out, name and all. */
function signedText(dataId: string, requestId: string | undefined, ts: string): string {
  const request = requestId === undefined ? '' : `request-id:${requestId};`
  return `id:${dataId.toLowerCase()};${request}ts:${ts};`
}

/** `payment`, `topic_merchant_order_wh`; unsigned, and part of the id: a false one does not stand in the place of the true one. */
const TYPE = /^[a-z_]{1,50}$/

/** Of the body only what people want to see is read, and the type where the query has none. */
function readEvent({ body, query }: Delivery, dataId: string, signedMs: number): GatewayEvent {
  const said = parseObject(body)
  const word = query.get('type') ?? query.get('topic') ?? said?.type
  const type = typeof word === 'string' && TYPE.test(word) ? word : 'unknown'
  const gatewayEventId = identifierText(said?.id)
  const event = {
    eventId: hintId(`${type}:${dataId}`, signedMs),
    ...(gatewayEventId === null ? {} : { gatewayEventId }),
    type,
    occurredAt: dateOfText(said?.date_created),
    fact: null,
    signed: [],
    hold: null,
  }
  return type === 'payment' ? { ...event, isHint: true } : event
}

/** The value of `x-signature`; for samples and tests. */
export function signMercadopago(
  dataId: string,
  requestId: string | undefined,
  ts: string,
  secret: string,
): string {
  const hex = createHmac('sha256', secret)
    .update(signedText(dataId, requestId, ts))
    .digest('hex')
  return `ts=${ts},v1=${hex}`
}
