import {
  DECISIVE_FIELDS,
  type Delivery,
  type GatewayAccount,
  type GatewayAdapter,
  type GatewayEvent,
  type Received,
  type Refused,
} from './adapter.ts'
import { phonepeConfirmer } from './confirmers/phonepe.ts'
import { isIdentifier, isObject, type JsonObject, parseObject, storableDate, wordOf } from './kit/body.ts'
import { isRefused, type Signature, unreadable } from './kit/raw-hmac.ts'
import { splitPair } from './kit/secret-form.ts'
import { decodeBase64, digestBytes, findSecret, sameBytes } from './kit/signature.ts'
import { accepted, held, NOTHING, type Reading, refused } from './kit/verdict.ts'
import { readOrder, readRefund, readTransaction } from './phonepe-facts.ts'

/**
 * PhonePe, https://developer.phonepe.com. Version 2 sends the hash of a user and a password, the same every time, and signs nothing of
 * the body. Version 1 hashes the response, in base64, with a salt key behind it. Both are asked about before anything moves.
 */
export const phonepe: GatewayAdapter = {
  name: 'phonepe',
  about: {
    title: 'PhonePe (v2 and v1)',
    source: 'https://developer.phonepe.com/v1/reference/handling-webhooks-standard-checkout',
    signature:
      'v2: SHA-256 hex of `<user>:<password>` in `Authorization`; v1: SHA-256 hex of the base64 response and the salt key, `###` and its index, in `X-VERIFY`',
    eventId: 'v2: `event`, the id of its order or refund, and `state`; v1: `transactionId` and `state`',
  },
  tier: 'C',
  confirmFirst: true,
  secretForm: 'pair',
  settings: [
    { name: 'CLIENT_ID', meaning: 'the client id of the API (v2)', needed: 'confirm' },
    { name: 'CLIENT_SECRET', meaning: 'the client secret of the API (v2)', needed: 'confirm' },
    {
      name: 'CLIENT_VERSION',
      meaning: 'the client version of the API; not set: 1',
      problem: (value) => (/^\d{1,4}$/.test(value.trim()) ? null : 'must be a number'),
    },
  ],
  confirm: phonepeConfirmer,
  receive,
}

function receive(delivery: Delivery, account: GatewayAccount): Received {
  const { headers, body } = delivery
  return headers['x-verify'] === undefined
    ? receiveV2(body, headers.authorization, account)
    : receiveV1(body, headers['x-verify'], account)
}

/** Some accounts get the bare hash, others the word before it. */
const AUTHORIZATION = /^(?:SHA256 )?([0-9a-f]{64})$/i

function receiveV2(bytes: Buffer, header: string | undefined, account: GatewayAccount): Received {
  if (header === undefined || header === '')
    return refused('signature_missing', 'neither an Authorization nor an X-VERIFY header')
  const given = AUTHORIZATION.exec(header)?.[1]
  if (given === undefined) return refused('signature_invalid', 'Authorization is not the hex of a SHA-256')
  const hash = Buffer.from(given, 'hex')
  const secretIndex = findSecret(account, (_, secret) => sameBytes(sha256(secret), hash))
  if (secretIndex < 0)
    return refused('signature_invalid', 'Authorization is the hash of no active user and password')
  // The header is as good as the password; what is kept is the hash of what came.
  const signature = sha256(bytes).toString('hex')
  const body = parseObject(bytes)
  return accepted(secretIndex, signature, body === null ? unreadable(signature) : readV2(body, signature))
}

/** `event` takes the place of `type`, which older accounts have alone: `PG_ORDER_COMPLETED`. */
function readV2(body: JsonObject, signature: string): GatewayEvent {
  const { event = body.type, payload } = body
  if (!isIdentifier(event) || !isObject(payload)) return unreadable(signature)
  const about = subjectOf(event)
  const id = about === 'refund' ? (payload.refundId ?? payload.merchantRefundId) : payload.orderId
  const own = `${event}:${wordOf(id)}:${wordOf(payload.state)}`
  return {
    eventId: isIdentifier(id) && isIdentifier(own) ? own : `signature:${signature}`,
    type: event,
    occurredAt: typeof payload.timestamp === 'number' ? storableDate(payload.timestamp) : null,
    signed: [],
    ...readSubject(about, payload),
  }
}

type Subject = 'order' | 'refund' | null

/** `checkout.order.completed`, `pg.refund.failed`. An attempt that failed leaves its order open. */
function subjectOf(event: string): Subject {
  const word = event.toLowerCase().replaceAll('_', '.')
  if (/^(?:checkout|pg)\.order\.\w+$/.test(word)) return 'order'
  return /^(?:checkout|pg)\.refund\.\w+$/.test(word) ? 'refund' : null
}

function readSubject(about: Subject, payload: JsonObject): Reading {
  if (about === null) return NOTHING
  return about === 'order' ? readOrder(payload) : readRefund(payload)
}

const X_VERIFY = /^([0-9a-f]{64})###(\d{1,4})$/i

function receiveV1(bytes: Buffer, header: string, account: GatewayAccount): Received {
  const body = parseObject(bytes)
  if (body === null || typeof body.response !== 'string')
    return refused('malformed_body', 'the body is not a JSON object with a response')
  const verified = verifyV1(body.response, header, account)
  if (isRefused(verified)) return verified
  const { secretIndex, signature } = verified
  const json = decodeBase64(body.response)
  const response = json === null ? null : parseObject(json)
  return accepted(
    secretIndex,
    signature,
    response === null ? unreadable(signature) : readV1(response, signature),
  )
}

function verifyV1(response: string, header: string, account: GatewayAccount): Signature | Refused {
  if (header === '') return refused('signature_missing', 'X-VERIFY is empty')
  const [, given, index] = X_VERIFY.exec(header) ?? []
  if (given === undefined) return refused('signature_invalid', 'X-VERIFY is not a SHA-256 with an index')
  const hash = Buffer.from(given, 'hex')
  const secretIndex = findSecret(account, (_, secret) => {
    const [saltKey, saltIndex] = splitPair(secret) ?? []
    return saltKey !== undefined && saltIndex === index && sameBytes(sha256(response + saltKey), hash)
  })
  if (secretIndex < 0) return refused('signature_invalid', 'X-VERIFY matches no active salt key')
  return { secretIndex, signature: hash.toString('hex') }
}

function readV1({ code, data }: JsonObject, signature: string): GatewayEvent {
  const transaction = isObject(data) ? data : {}
  const own = `${wordOf(transaction.transactionId)}:${wordOf(transaction.state)}`
  return {
    eventId: isIdentifier(transaction.transactionId) && isIdentifier(own) ? own : `signature:${signature}`,
    type: isIdentifier(code) ? code : 'response',
    occurredAt: null,
    tier: 'B',
    signed: DECISIVE_FIELDS,
    ...(isObject(data) ? readTransaction(code, data) : held('object_unreadable')),
  }
}

function sha256(text: string | Buffer): Buffer {
  return digestBytes('sha256', text)
}

/** `X-VERIFY` of a response of version 1, for samples and tests. */
export function signPhonepeV1(response: string, saltKey: string, saltIndex: string): string {
  return `${sha256(response + saltKey).toString('hex')}###${saltIndex}`
}

/** `Authorization` of version 2, for samples and tests. */
export function signPhonepeV2(pair: string): string {
  return sha256(pair).toString('hex')
}
