import { createHash, createSecretKey, type KeyObject } from 'node:crypto'
import {
  type Challenge,
  DECISIVE_FIELDS,
  type Delivery,
  type GatewayAccount,
  type GatewayAdapter,
  type GatewayEvent,
  type Received,
  type Refused,
} from './adapter.ts'
import { readNotification } from './braintree-notification.ts'
import { parseForm } from './kit/form.ts'
import { isRefused, type Signature, unreadable } from './kit/raw-hmac.ts'
import { splitPair } from './kit/secret-form.ts'
import { decodeHex, hmacBytes, sameBytes } from './kit/signature.ts'
import { accepted, refused } from './kit/verdict.ts'

const SHA1_BYTES = 20

/** One for each of the account's keys; Braintree sends one or two. */
const MAX_SIGNATURES = 16

/** Base64 in lines, as Ruby's `Base64.encode64` writes it. */
const PAYLOAD = /^[A-Za-z0-9+/=\n]+$/

/** What Braintree asks; anything longer could be made to sign something of use. */
const CHALLENGE = /^[a-f0-9]{20,32}$/

/**
 * Braintree, https://developer.paypal.com/braintree/docs/guides/webhooks/parse: a form of `bt_signature`
 * (`<public key>|<HMAC>`, joined by `&`) and `bt_payload` (base64 of an XML document). The HMAC-SHA1 has the SHA-1 of the private
 * key for its key, as the official libraries do (braintree_node, lib/braintree/webhook_notification_gateway.js).
 */
export const braintree: GatewayAdapter = {
  name: 'braintree',
  about: {
    title: 'Braintree',
    source: 'https://developer.paypal.com/braintree/docs/guides/webhooks/parse',
    signature:
      'HMAC-SHA1 hex of `bt_payload`, keyed by the SHA-1 of the private key, in `bt_signature` of the form',
    eventId: '`kind`, `timestamp` and the id of the subject',
  },
  tier: 'A',
  confirmFirst: false,
  secretForm: 'pair',
  receive,
  challenge,
  configurationProblems,
}

function configurationProblems({ secrets }: GatewayAccount): readonly string[] {
  return secrets.flatMap((secret, index) =>
    splitPair(secret) === null
      ? [`WEBHOOK_SECRETS can never match: secret ${index + 1} must be <public key>:<private key>`]
      : [],
  )
}

function receive(delivery: Delivery, account: GatewayAccount): Received {
  const form = parseForm(delivery.body)
  if (form === null) return refused('signature_invalid', 'the body is no form')
  const signature = form.get('bt_signature') ?? ''
  const payload = form.get('bt_payload') ?? ''
  if (signature === '') return refused('signature_missing', 'no bt_signature in the form')
  if (!PAYLOAD.test(payload)) return refused('signature_invalid', 'bt_payload is not base64')
  const verified = verify(signature, payload, account)
  if (isRefused(verified)) return verified
  return accepted(verified.secretIndex, verified.signature, readEvent(payload, verified.signature))
}

/** The public key that stands before a signature chooses the private key; what names no key of ours is passed over. */
function verify(header: string, payload: string, account: GatewayAccount): Signature | Refused {
  const pairs = header.split('&', MAX_SIGNATURES + 1)
  if (pairs.length > MAX_SIGNATURES) return refused('signature_invalid', 'more than 16 signatures')
  const keys = keysOf(account)
  for (const [secretIndex, key] of keys.entries()) {
    if (key === null) continue
    for (const pair of pairs) {
      if (!pair.startsWith(`${key.publicKey}|`)) continue
      const given = decodeHex(pair.slice(key.publicKey.length + 1), SHA1_BYTES)
      if (given !== null && isSigned(payload, key.signing, given))
        return { secretIndex, signature: given.toString('hex') }
    }
  }
  return refused('signature_invalid', 'bt_signature matches no active pair of keys')
}

/** Some frameworks take the line break off the end, which was signed with it. */
function isSigned(payload: string, key: KeyObject, given: Buffer): boolean {
  return [payload, `${payload}\n`].some((text) => sameBytes(hmacOf(text, key), given))
}

function hmacOf(text: string, key: KeyObject): Buffer {
  return hmacBytes('sha1', key, text)
}

interface Pair {
  readonly publicKey: string
  /** SHA-1 of the private key. */
  readonly signing: KeyObject
}

/** Accounts live as long as the process. */
const keysByAccount = new WeakMap<GatewayAccount, readonly (Pair | null)[]>()

function keysOf(account: GatewayAccount): readonly (Pair | null)[] {
  const known = keysByAccount.get(account)
  if (known !== undefined) return known
  const keys = account.secrets.map(readPair)
  keysByAccount.set(account, keys)
  return keys
}

function readPair(secret: string): Pair | null {
  const [publicKey = '', privateKey = ''] = splitPair(secret) ?? []
  if (publicKey.trim() === '' || privateKey.trim() === '') return null
  return { publicKey, signing: createSecretKey(createHash('sha1').update(privateKey).digest()) }
}

function readEvent(payload: string, signature: string): GatewayEvent {
  const notification = readNotification(Buffer.from(payload, 'base64'))
  if (notification === null) return unreadable(signature)
  const { eventId, type, occurredAt, fact, hold } = notification
  return {
    eventId: eventId ?? `signature:${signature}`,
    type,
    occurredAt,
    signed: DECISIVE_FIELDS,
    fact,
    hold,
  }
}

/** Proves to Braintree that the private key is here, by the first pair. */
function challenge({ query }: Delivery, account: GatewayAccount): Challenge {
  const [text = '', ...others] = query.getAll('bt_challenge')
  if (!CHALLENGE.test(text) || others.length > 0)
    return refused('malformed_body', 'bt_challenge is not 20 to 32 hex digits')
  const key = keysOf(account).find((pair) => pair !== null)
  if (!key) return refused('signature_missing', 'the account has no pair of keys')
  return { kind: 'answered', body: `${key.publicKey}|${hmacOf(text, key.signing).toString('hex')}` }
}

/** The form that Braintree posts, signed by one `<public>:<private>` pair; for samples and tests. Throws where it is none. */
export function signBraintree(payload: string, secret: string): Buffer {
  const key = readPair(secret)
  if (key === null) throw new RangeError('signBraintree: the secret is no <public>:<private>')
  const signature = `${key.publicKey}|${hmacOf(payload, key.signing).toString('hex')}`
  return Buffer.from(new URLSearchParams({ bt_signature: signature, bt_payload: payload }).toString())
}
