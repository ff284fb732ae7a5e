import { createSecretKey, type KeyObject } from 'node:crypto'
import {
  DECISIVE_FIELDS,
  type DecisiveField,
  type Delivery,
  type GatewayAccount,
  type GatewayAdapter,
  type Received,
} from './adapter.ts'
import { kashierConfirmer } from './confirmers/kashier.ts'
import { factKind, type Operation, operationOf } from './kashier-facts.ts'
import { majorUnits } from './kit/amount.ts'
import { identifierText, isIdentifier, isObject, type JsonObject, parseObject } from './kit/body.ts'
import { decodeHex, findSecret, hmacBytes, sameBytes } from './kit/signature.ts'
import { accepted, completeFact, held, type Reading, refused } from './kit/verdict.ts'

const SHA256_BYTES = 32

/** Kashier signs about ten fields; the bound keeps a forger from making us sort a megabyte of names. */
const MAX_SIGNED_KEYS = 64

/**
 * A plain field name. The redirect to the browser carries a signature made with the same key over
 * `paymentStatus=…&amount=…`; a "name" that spells such a text would let it pass as a webhook.
 */
const PLAIN_NAME = /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/

/** What needs no percent-encoding (RFC 3986, unreserved); most values are such, and encoding is not free. */
const UNRESERVED = /^[A-Za-z0-9_.~-]*$/

/** Kashier's names of the decisive fields. */
const FIELDS: Readonly<Record<DecisiveField, string>> = {
  reference: 'merchantOrderId',
  amount: 'amount',
  currency: 'currency',
  status: 'status',
  transaction: 'transactionId',
}

/** Kashier, https://developers.kashier.io/payment/webhook: `x-kashier-signature` signs the fields that the body names. */
export const kashier: GatewayAdapter = {
  name: 'kashier',
  about: {
    title: 'Kashier',
    source: 'https://developers.kashier.io/payment/webhook',
    signature: 'HMAC-SHA256 hex over the fields that `data.signatureKeys` names, in `x-kashier-signature`',
    eventId: '`transactionId` and `status`',
  },
  tier: 'B',
  confirmFirst: false,
  secretForm: 'text',
  settings: [
    {
      name: 'SECRET_KEY',
      meaning:
        'the secret key of the API: it asks about refunds, captures and voids, whose kind Kashier does not sign',
      needed: 'confirm',
    },
  ],
  receive,
  confirm: kashierConfirmer,
}

function receive(delivery: Delivery, account: GatewayAccount): Received {
  const header = delivery.headers['x-kashier-signature']
  if (header === undefined || header === '')
    return refused('signature_missing', 'no x-kashier-signature header')
  const given = decodeHex(header, SHA256_BYTES)
  if (given === null) return refused('signature_invalid', 'x-kashier-signature is not 64 hex digits')

  const body = parseObject(delivery.body)
  if (body === null) return refused('malformed_body', 'the body is not a JSON object')
  const signed = isObject(body.data) ? readSigned(body.data) : null
  if (signed === null)
    return refused('signature_invalid', 'data names no plain fields with plain values as signed')

  const secretIndex = findSecret(account, (key) => sameBytes(hmacOf(signed.text, key), given))
  if (secretIndex < 0) return refused('signature_invalid', 'the signature matches no active secret')
  return readEvent(body.event, signed.fields, secretIndex, given.toString('hex'))
}

interface Signed {
  /** What the HMAC is computed over. */
  readonly text: string
  /** The signed fields alone, so that nothing reads an unsigned one by accident. */
  readonly fields: ReadonlyMap<string, unknown>
}

/**
 * Builds the text that Kashier signs: an RFC 3986 query string of the fields named in `data.signatureKeys`, sorted by code
 * unit. Names that `data` lacks are left out, null leaves the bare name, an empty text leaves `name=`. As names are plain
 * and values encoded, no two sets of fields give one text, up to numbers and booleans that look like their text. Null
 * where a name is not plain, or a value is a list, an object or not well-formed.
 */
function readSigned(data: JsonObject): Signed | null {
  const names = Object.hasOwn(data, 'signatureKeys') ? data.signatureKeys : null
  const sorted = sortedNames(names)
  if (sorted === null) return null
  const fields = new Map<string, unknown>()
  let text = ''
  for (const name of sorted) {
    if (!Object.hasOwn(data, name)) continue
    const value = data[name]
    const pair = queryPair(name, value)
    if (pair === null) return null
    text += fields.size === 0 ? pair : `&${pair}`
    fields.set(name, value)
  }
  return { text, fields }
}

/** The list of names seen last and what it came to. Kashier sends one list over and over, and sorting it is not free. */
let latest: { readonly given: readonly unknown[]; readonly sorted: readonly string[] } = {
  given: [],
  sorted: [],
}

/** The plain names of `data.signatureKeys`, each once, sorted by code unit; null where one of them is not plain. */
function sortedNames(names: unknown): readonly string[] | null {
  if (!Array.isArray(names) || names.length === 0 || names.length > MAX_SIGNED_KEYS) return null
  const { given, sorted } = latest
  if (given.length === names.length && given.every((name, index) => name === names[index])) return sorted
  if (!names.every((name) => typeof name === 'string' && PLAIN_NAME.test(name))) return null
  latest = { given: names, sorted: [...new Set<string>(names)].sort() }
  return latest.sorted
}

function queryPair(name: string, value: unknown): string | null {
  switch (typeof value) {
    case 'string':
      return value.isWellFormed() ? `${name}=${encode(value)}` : null
    case 'number':
    case 'boolean':
      return `${name}=${encode(String(value))}`
    default:
      return value === null ? name : null
  }
}

function encode(text: string): string {
  if (UNRESERVED.test(text)) return text
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

function hmacOf(text: string, key: KeyObject): Buffer {
  return hmacBytes('sha256', key, text)
}

/** Signs `data` as Kashier does: lower-case hex. Throws where the fields that it names cannot be signed. */
export function signKashier(data: JsonObject, secret: string): string {
  const signed = readSigned(data)
  if (signed === null) throw new RangeError('signKashier: data cannot be signed')
  return hmacOf(signed.text, createSecretKey(secret, 'utf8')).toString('hex')
}

function readEvent(
  event: unknown,
  fields: ReadonlyMap<string, unknown>,
  secretIndex: number,
  signature: string,
): Received {
  const transaction = identifierText(fields.get(FIELDS.transaction))
  const status = fields.get(FIELDS.status)
  const hasOwnId = transaction !== null && typeof status === 'string' && status !== ''
  const eventId = hasOwnId ? `${transaction}:${status}` : `signature:${signature}`
  if (!isIdentifier(eventId)) return refused('malformed_body', 'transactionId or status is too long')

  const type = operationOf(event) ?? 'other'
  return accepted(secretIndex, signature, {
    eventId,
    type,
    occurredAt: null,
    signed: decisiveFields(type, fields),
    ...readFact(type, status, fields),
  })
}

/** `event` is unsigned, so a word that we do not know becomes `other`: it must not flood the metrics with labels. */
type EventType = Operation | 'other'

/**
 * Which decisive fields are signed. The status counts only for `pay`: the signed fields of a successful refund look like
 * those of a successful payment, so that the kind of any other event rests on the unsigned `event` alone.
 */
function decisiveFields(type: EventType, fields: ReadonlyMap<string, unknown>): readonly DecisiveField[] {
  return DECISIVE_FIELDS.filter((name) => fields.has(FIELDS[name]) && (name !== 'status' || type === 'pay'))
}

function readFact(type: EventType, status: unknown, fields: ReadonlyMap<string, unknown>): Reading {
  if (type === 'other') return held('event_unknown')
  if (typeof status !== 'string' || !fields.has(FIELDS.transaction) || !fields.has(FIELDS.reference)) {
    return held('fields_unsigned')
  }
  const kind = factKind(type, status)
  if (kind === null) return held('status_unknown')
  if (kind === 'captured' && !(fields.has(FIELDS.amount) && fields.has(FIELDS.currency))) {
    return held('fields_unsigned')
  }
  const currency = fields.get(FIELDS.currency)
  return completeFact({
    kind,
    merchantRef: identifierText(fields.get(FIELDS.reference)),
    gatewayRef: null,
    operationRef: identifierText(fields.get(FIELDS.transaction)),
    amountMinor: majorUnits(fields.get(FIELDS.amount), currency),
    currency,
  })
}
