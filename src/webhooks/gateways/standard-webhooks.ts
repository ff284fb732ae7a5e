import { createPublicKey, createSecretKey, type KeyObject, sign, verify } from 'node:crypto'
import { FACT_KINDS, type FactKind } from '../../payments/fact.ts'
import {
  DECISIVE_FIELDS,
  type Delivery,
  type GatewayAccount,
  type GatewayAdapter,
  type Received,
} from './adapter.ts'
import { integerOf, isIdentifier, isObject, type JsonObject, parseObject, storableDate } from './kit/body.ts'
import { isFresh } from './kit/clock.ts'
import { decodeBase64, hmacBytes, sameBytes } from './kit/signature.ts'
import { accepted, completeFact, NOTHING, type Reading, refused } from './kit/verdict.ts'

/** The specification asks for a tolerance; five minutes is what its libraries use. */
const TOLERANCE_SECONDS = 300

const SHA256_BYTES = 32
const ED25519_KEY_BYTES = 32
const ED25519_SIGNATURE_BYTES = 64

/** The specification wants 24 to 64 bytes. A shorter key is a mistake in the configuration and never matches. */
const MIN_SECRET_BYTES = 24

/** A sender that rotates its keys sends two or three signatures. */
const MAX_SIGNATURES = 16

/** Each costs a verification over the whole body, and anybody may send them: the others are not looked at. */
const MAX_ED25519_SIGNATURES = 3

const TIMESTAMP = /^\d{1,12}$/

/** Printable ASCII: an id comes in a header, and is signed in the bytes in which it came. */
const WEBHOOK_ID = /^[\x21-\x7e]{1,255}$/

/** Standard Webhooks, https://www.standardwebhooks.com: `webhook-signature` signs id, timestamp and the whole body. */
export const standardWebhooks: GatewayAdapter = {
  name: 'standard-webhooks',
  about: {
    title: 'Standard Webhooks',
    source: 'https://www.standardwebhooks.com',
    signature:
      'HMAC-SHA256 (`v1`) or Ed25519 (`v1a`) of `<id>.<t>.<body>` in `webhook-signature`, within 300 s',
    eventId: '`webhook-id`',
  },
  tier: 'A',
  confirmFirst: false,
  secretForm: 'whsec',
  toleranceSeconds: TOLERANCE_SECONDS,
  receive,
  configurationProblems,
}

function receive(delivery: Delivery, account: GatewayAccount, nowMs: number | null): Received {
  const header = delivery.headers['webhook-signature']
  if (header === undefined || header === '')
    return refused('signature_missing', 'no webhook-signature header')
  const id = delivery.headers['webhook-id']
  if (id === undefined || id === '') return refused('event_id_missing', 'no webhook-id header')
  if (!WEBHOOK_ID.test(id))
    return refused('malformed_body', 'webhook-id is not 1 to 255 printable characters')
  const timestamp = delivery.headers['webhook-timestamp'] ?? ''
  if (!TIMESTAMP.test(timestamp)) return refused('signature_invalid', 'webhook-timestamp is no Unix time')
  // Costs nothing, so it comes before everything that reads the body.
  if (!isFresh(Number(timestamp), nowMs, TOLERANCE_SECONDS)) {
    return refused('signature_expired', 'the timestamp is more than 300 s away')
  }

  const signatures = header.split(' ')
  if (signatures.length > MAX_SIGNATURES) return refused('signature_invalid', 'more than 16 signatures')
  const signed = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), delivery.body])
  const match = findMatch(keysOf(account), candidatesOf(signatures), signed)
  if (match === null) return refused('signature_invalid', 'no signature matches an active secret')
  return readEvent(id, delivery.body, match)
}

/** A key with the one scheme that it may be used for. A public key as an HMAC secret would be known to everybody. */
type Key =
  | { readonly scheme: 'v1'; readonly secret: KeyObject }
  | { readonly scheme: 'v1a'; readonly publicKey: KeyObject }
  | { readonly scheme: 'unusable' }

/** Decoded keys live as long as the account's configuration; decoding them for each delivery would cost more than HMAC. */
const keysByAccount = new WeakMap<GatewayAccount, readonly Key[]>()

function keysOf(account: GatewayAccount): readonly Key[] {
  const known = keysByAccount.get(account)
  if (known !== undefined) return known
  const keys = account.secrets.map(readKey)
  keysByAccount.set(account, keys)
  return keys
}

function readKey(secret: string): Key {
  if (secret.startsWith('whpk_')) return readPublicKey(secret.slice('whpk_'.length))
  const bytes = decodeBase64(secret.startsWith('whsec_') ? secret.slice('whsec_'.length) : secret)
  if (bytes === null || bytes.length < MIN_SECRET_BYTES) return { scheme: 'unusable' }
  return { scheme: 'v1', secret: createSecretKey(bytes) }
}

function configurationProblems({ secrets }: GatewayAccount): readonly string[] {
  return secrets.flatMap((secret, index) =>
    readKey(secret).scheme === 'unusable'
      ? [`WEBHOOK_SECRETS can never match: ${unusable(secret, index + 1)}`]
      : [],
  )
}

function unusable(secret: string, position: number): string {
  return secret.startsWith('whpk_')
    ? `secret ${position} must be whpk_ and base64 of 32 bytes`
    : `secret ${position} must be base64 of at least 24 bytes, with or without whsec_`
}

function readPublicKey(base64: string): Key {
  const bytes = decodeBase64(base64)
  if (bytes === null || bytes.length !== ED25519_KEY_BYTES) return { scheme: 'unusable' }
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: bytes.toString('base64url') }
  try {
    return { scheme: 'v1a', publicKey: createPublicKey({ key: jwk, format: 'jwk' }) }
  } catch {
    return { scheme: 'unusable' }
  }
}

interface Match {
  readonly secretIndex: number
  readonly signature: string
}

/** One `label,base64` of the header that has the length of its scheme's signatures. */
interface Candidate {
  readonly signature: string
  readonly bytes: Buffer
}

type Candidates = Readonly<Record<'v1' | 'v1a', readonly Candidate[]>>

function candidatesOf(signatures: readonly string[]): Candidates {
  return {
    v1: labelled(signatures, 'v1', SHA256_BYTES),
    v1a: labelled(signatures, 'v1a', ED25519_SIGNATURE_BYTES).slice(0, MAX_ED25519_SIGNATURES),
  }
}

function labelled(signatures: readonly string[], label: string, length: number): readonly Candidate[] {
  return signatures.flatMap((signature) => {
    const bytes = signature.startsWith(`${label},`) ? decodeBase64(signature.slice(label.length + 1)) : null
    return bytes?.length === length ? [{ signature, bytes }] : []
  })
}

function findMatch(keys: readonly Key[], candidates: Candidates, signed: Buffer): Match | null {
  for (const [secretIndex, key] of keys.entries()) {
    const found = signatureBy(key, candidates, signed)
    if (found !== undefined) return { secretIndex, signature: found.signature }
  }
  return null
}

/** The candidate that `key` made, under the label of the key's own scheme. One HMAC a key, however many candidates. */
function signatureBy(key: Key, candidates: Candidates, signed: Buffer): Candidate | undefined {
  switch (key.scheme) {
    case 'v1': {
      if (candidates.v1.length === 0) return undefined
      const expected = hmacOf(signed, key.secret)
      return candidates.v1.find(({ bytes }) => sameBytes(expected, bytes))
    }
    case 'v1a':
      return candidates.v1a.find(({ bytes }) => verify(null, signed, key.publicKey, bytes))
    case 'unusable':
      return undefined
    default:
      return key satisfies never
  }
}

function hmacOf(signed: Buffer, secret: KeyObject): Buffer {
  return hmacBytes('sha256', secret, signed)
}

/** Signs a delivery with a `whsec_…` secret: the value of `webhook-signature`. Throws where the secret is unusable. */
export function signStandardWebhooks(id: string, timestamp: number, body: Buffer, secret: string): string {
  const key = readKey(secret)
  if (key.scheme !== 'v1')
    throw new RangeError('signStandardWebhooks: the secret is no base64 of 24 bytes or more')
  const signed = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), body])
  return `v1,${hmacOf(signed, key.secret).toString('base64')}`
}

/** Signs a delivery with an ed25519 private key, as a sender does whose `whpk_…` key we hold. */
export function signStandardWebhooksV1a(
  id: string,
  timestamp: number,
  body: Buffer,
  privateKey: KeyObject,
): string {
  const signed = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), body])
  return `v1a,${sign(null, signed, privateKey).toString('base64')}`
}

function readEvent(id: string, body: Buffer, match: Match): Received {
  const event = parseObject(body)
  if (event === null) return refused('malformed_body', 'the body is not a JSON object')
  const type = event.type ?? 'unknown'
  if (!isIdentifier(type)) return refused('malformed_body', 'type is not a text of at most 255 bytes')
  const kind = factKind(type)
  if (kind !== null && !isObject(event.data)) return refused('malformed_body', 'data is not an object')

  return accepted(match.secretIndex, match.signature, {
    eventId: id,
    type,
    occurredAt: readDate(event.timestamp),
    signed: DECISIVE_FIELDS,
    ...(kind !== null && isObject(event.data) ? readFact(kind, event.data) : NOTHING),
  })
}

const KINDS_BY_TYPE: ReadonlyMap<string, FactKind> = new Map(
  FACT_KINDS.map((kind) => [`payment.${kind}`, kind]),
)

function factKind(type: string): FactKind | null {
  return KINDS_BY_TYPE.get(type) ?? null
}

/** The specification leaves `data` to the sender; this is Onceline's own, neutral form of it. */
function readFact(kind: FactKind, data: JsonObject): Reading {
  return completeFact({
    kind,
    merchantRef: data.merchantRef,
    gatewayRef: data.gatewayRef,
    operationRef: data.operationRef,
    amountMinor: integerOf(data.amountMinor),
    currency: data.currency,
  })
}

function readDate(timestamp: unknown): Date | null {
  if (typeof timestamp !== 'string') return null
  return storableDate(new Date(timestamp).getTime())
}
