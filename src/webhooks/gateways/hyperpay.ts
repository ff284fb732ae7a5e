import {
  DECISIVE_FIELDS,
  type Delivery,
  type GatewayAccount,
  type GatewayAdapter,
  type GatewayEvent,
  type Received,
} from './adapter.ts'
import { decrypt, IV_BYTES, TAG_BYTES } from './hyperpay-cipher.ts'
import { readPayment } from './hyperpay-fact.ts'
import {
  dateOfText,
  identifierText,
  isIdentifier,
  isObject,
  type JsonObject,
  parseObject,
  wordOf,
} from './kit/body.ts'
import { unreadable } from './kit/raw-hmac.ts'
import { decodeHex, findHexSecret } from './kit/signature.ts'
import { accepted, NOTHING, refused } from './kit/verdict.ts'

const KEY_BYTES = 32

/**
 * HyperPay (OPPWA), https://hyperpay.docs.oppwa.com/webhooks: the body is encrypted with AES-256-GCM, whose tag proves every bit of it. Whoever has
 * the key can decrypt and forge alike; nobody else can do either.
 */
export const hyperpay: GatewayAdapter = {
  name: 'hyperpay',
  about: {
    title: 'HyperPay',
    source: 'https://hyperpay.docs.oppwa.com/webhooks',
    signature: 'AES-256-GCM of the body, `X-Initialization-Vector` and `X-Authentication-Tag`, all in hex',
    eventId: '`payload.id` and `payload.result.code`',
  },
  tier: 'A',
  confirmFirst: false,
  secretForm: 'hex',
  settings: [
    {
      name: 'ACCEPT_TEST_RESULTS',
      meaning:
        '`true` where results of the test mode (`000.100.1…`) count like real ones; not set: they are held',
      development: 'true',
      problem: (value) => (/^(?:true|false)$/.test(value.trim()) ? null : 'must be true or false'),
    },
  ],
  receive,
  configurationProblems: ({ secrets }) =>
    secrets.every((secret) => decodeHex(secret.trim(), KEY_BYTES) !== null)
      ? []
      : ['WEBHOOK_SECRETS must be 64 hex digits each, as HyperPay gives them out'],
}

function receive(delivery: Delivery, account: GatewayAccount): Received {
  const iv = delivery.headers['x-initialization-vector']
  const tag = delivery.headers['x-authentication-tag']
  if (iv === undefined || iv === '') return refused('signature_missing', 'no X-Initialization-Vector header')
  if (tag === undefined || tag === '') return refused('signature_missing', 'no X-Authentication-Tag header')
  const vector = decodeHex(iv, IV_BYTES)
  if (vector === null) return refused('signature_invalid', 'X-Initialization-Vector is not 24 hex digits')
  // Shorter tags are legal in GCM, and the shorter the tag the easier it is to guess.
  const whole = decodeHex(tag, TAG_BYTES)
  if (whole === null) return refused('signature_invalid', 'X-Authentication-Tag is not 32 hex digits')

  const ciphertext = readCiphertext(delivery.body)
  if (ciphertext === null)
    return refused(
      'malformed_body',
      'the body is neither hex digits of one case nor {"encryptedBody":"…"} of them',
    )
  const opened: Buffer[] = []
  const secretIndex = findHexSecret(account, (key) => {
    const plaintext = decrypt({ ciphertext, iv: vector, tag: whole }, key)
    if (plaintext !== null) opened.push(plaintext)
    return plaintext !== null
  })
  const [plaintext] = opened
  if (plaintext === undefined)
    return refused('signature_invalid', 'X-Authentication-Tag matches under no active secret')
  const signature = whole.toString('hex')
  return accepted(secretIndex, signature, readEvent(plaintext, signature, account))
}

/** In its JSON form there is nothing but this one field, so that no other could be put beside it. */
const WRAPPED = /^\{\s*"encryptedBody"\s*:\s*"([^"]*)"\s*\}$/

const HEX_DIGITS = 2

/** One case all through: bytes that were changed must not be the same body in another spelling. */
function isOneCase(hex: string): boolean {
  return hex === hex.toUpperCase() || hex === hex.toLowerCase()
}

function readCiphertext(body: Buffer): Buffer | null {
  const text = body.toString('latin1')
  const hex = text.startsWith('{') ? (WRAPPED.exec(text)?.[1] ?? '') : text
  if (hex === '' || !isOneCase(hex)) return null
  // What is no hex digit, or half a byte, ends what is decoded.
  const bytes = Buffer.from(hex, 'hex')
  return bytes.length * HEX_DIGITS === hex.length ? bytes : null
}

/** PAYMENT tells of a payment and of what follows it, REGISTRATION, SCHEDULE and RISK of other things. */
function readEvent(plaintext: Buffer, signature: string, account: GatewayAccount): GatewayEvent {
  const notification = parseObject(plaintext)
  if (notification === null || !isIdentifier(notification.type)) return unreadable(signature)
  const { type, payload } = notification
  if (type !== 'PAYMENT') return otherEvent(type, notification, signature)
  if (!isObject(payload)) return unreadable(signature, 'object_unreadable')
  const id = identifierText(payload.id)
  const code = isObject(payload.result) ? payload.result.code : null
  const own = `${id}:${wordOf(code)}`
  return {
    eventId: id !== null && isIdentifier(code) && isIdentifier(own) ? own : `signature:${signature}`,
    type: `PAYMENT.${isIdentifier(payload.paymentType) ? payload.paymentType : 'unknown'}`,
    occurredAt: dateOfText(payload.timestamp),
    signed: DECISIVE_FIELDS,
    ...readPayment(payload, account.settings.ACCEPT_TEST_RESULTS?.trim() === 'true'),
  }
}

function otherEvent(type: string, { action, payload }: JsonObject, signature: string): GatewayEvent {
  const id = isObject(payload) ? identifierText(payload.id) : null
  const own = `${type}:${id}:${identifierText(action) ?? ''}`
  return {
    eventId: id !== null && isIdentifier(own) ? own : `signature:${signature}`,
    type,
    occurredAt: isObject(payload) ? dateOfText(payload.timestamp) : null,
    signed: DECISIVE_FIELDS,
    ...NOTHING,
  }
}
