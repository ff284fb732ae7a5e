import type { Delivery, GatewayAccount, GatewayAdapter, GatewayEvent, Received } from './adapter.ts'
import { midtransConfirmer } from './confirmers/midtrans.ts'
import { dateOfText, identifierText, isIdentifier, type JsonObject, parseObject, wordOf } from './kit/body.ts'
import { decodeHex, digestBytes, findSecret, sameBytes } from './kit/signature.ts'
import { refused } from './kit/verdict.ts'
import { type MidtransOperation, readOperations } from './midtrans-facts.ts'

const SHA512_BYTES = 64

/** Enough of the signature to tell orders apart in an event id. */
const SIGNATURE_ID_CHARS = 16

/**
 * Midtrans, https://docs.midtrans.com/docs/https-notification-webhooks. `signature_key` hashes the order's id, the status
 * code and the amount with nothing between them: an order `X200` of 200.00 and an order `X` of 200200.00 have one signature,
 * and what happened (`transaction_status`) is not signed at all. So the API is asked before anything moves.
 */
export const midtrans: GatewayAdapter = {
  name: 'midtrans',
  about: {
    title: 'Midtrans',
    source: 'https://docs.midtrans.com/docs/https-notification-webhooks',
    signature:
      'SHA-512 hex of `order_id`, `status_code`, `gross_amount` and the server key with nothing between them, in `signature_key`',
    eventId:
      '`transaction_id`, `transaction_status`, `status_code`, `fraud_status` and a part of `signature_key`',
  },
  tier: 'B',
  confirmFirst: true,
  secretForm: 'text',
  settings: [
    { name: 'SERVER_KEY', meaning: 'the server key, which the status API wants, too', needed: 'confirm' },
  ],
  confirm: midtransConfirmer,
  receive,
}

function receive(delivery: Delivery, account: GatewayAccount): Received {
  const body = parseObject(delivery.body)
  if (body === null) return refused('malformed_body', 'the body is not a JSON object')
  const { signature_key } = body
  if (signature_key === undefined || signature_key === '')
    return refused('signature_missing', 'no signature_key in the body')
  const given = typeof signature_key === 'string' ? decodeHex(signature_key, SHA512_BYTES) : null
  if (given === null) return refused('signature_invalid', 'signature_key is not 128 hex digits')
  const text = signedText(body)
  if (text === null) {
    return refused(
      'signature_invalid',
      'order_id, status_code or gross_amount is not the text that is signed',
    )
  }
  const secretIndex = findSecret(account, (_, secret) => sameBytes(hashOf(text, secret), given))
  if (secretIndex < 0) return refused('signature_invalid', 'signature_key matches no active secret')
  const signature = given.toString('hex')
  return { kind: 'accepted', secretIndex, signature, events: readEvents(body, signature) }
}

/** The exact texts: a parsed and rewritten amount (`200000`) is another text than `200000.00`. */
function signedText({ order_id, status_code, gross_amount }: JsonObject): string | null {
  if (!isIdentifier(order_id) || typeof status_code !== 'string' || typeof gross_amount !== 'string')
    return null
  return STATUS_CODE.test(status_code) && DECIMAL.test(gross_amount)
    ? order_id + status_code + gross_amount
    : null
}

/** Narrow forms leave few places to which digits can move; they do not close them all. */
const STATUS_CODE = /^[2-5]\d\d$/
const DECIMAL = /^(?:0|[1-9]\d{0,15})(?:\.\d{2})?$/

function hashOf(text: string, serverKey: string): Buffer {
  return digestBytes('sha512', text + serverKey)
}

/** `signature_key` as Midtrans makes it; null for a body that it could not sign. For samples and tests. */
export function signMidtrans(body: JsonObject, serverKey: string): string | null {
  const text = signedText(body)
  return text === null ? null : hashOf(text, serverKey).toString('hex')
}

/** Several refunds in one notification are several events: each keeps its id when it is told again beside the next. */
function readEvents(body: JsonObject, signature: string): readonly GatewayEvent[] {
  return readOperations(body).map((operation) => eventOf(body, operation, signature))
}

/**
 * The ids in the body are unsigned, so a part of the signature stands beside them: whoever holds the signature of one order can
 * not take the event id of another.
 */
function eventOf(body: JsonObject, { ref, reading }: MidtransOperation, signature: string): GatewayEvent {
  const { transaction_id, transaction_status, status_code, fraud_status } = body
  const words = [transaction_id, transaction_status, status_code, fraud_status, ref]
  const shown = words
    .filter((word) => word !== undefined && word !== null && word !== '')
    .map(wordOf)
    .join(':')
  const own = `${shown}:${signature.slice(0, SIGNATURE_ID_CHARS)}`
  const isReadable = identifierText(transaction_id) !== null && isIdentifier(own)
  return {
    eventId: isReadable ? own : `signature:${signature}`,
    ...(isReadable && { gatewayEventId: shown }),
    type: isIdentifier(transaction_status) ? transaction_status : 'notification',
    occurredAt: dateOfJakarta(body.settlement_time ?? body.transaction_time),
    signed: [],
    ...reading,
  }
}

/** Midtrans writes the time of Jakarta, without its zone. */
function dateOfJakarta(value: unknown): Date | null {
  return typeof value === 'string' ? dateOfText(`${value}+07:00`) : null
}
