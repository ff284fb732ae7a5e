import { createSecretKey, type KeyObject } from 'node:crypto'
import { minorToDecimal } from '../../base/money.ts'
import {
  DECISIVE_FIELDS,
  type DecisiveField,
  type Delivery,
  type GatewayAccount,
  type GatewayAdapter,
  type Received,
} from './adapter.ts'
import { tapConfirmer } from './confirmers/tap.ts'
import { majorUnits } from './kit/amount.ts'
import { identifierText, isIdentifier, isObject, type JsonObject, parseObject } from './kit/body.ts'
import { decodeHex, findSecret, hmacBytes, sameBytes } from './kit/signature.ts'
import { accepted, refused } from './kit/verdict.ts'
import { readTapFact, type TapObject, tapObject } from './tap-facts.ts'

const SHA256_BYTES = 32

/**
 * Tap, https://developers.tap.company/docs/webhook: `hashstring` signs some fields, each behind its label, the amount with all
 * digits of its currency. The key is the account's secret API key.
 */
export const tap: GatewayAdapter = {
  name: 'tap',
  about: {
    title: 'Tap',
    source: 'https://developers.tap.company/docs/webhook',
    signature:
      'HMAC-SHA256 hex over `x_id…x_amount…x_currency…x_gateway_reference…x_payment_reference…x_status…x_created…` in `hashstring`',
    eventId: '`id` and `status`',
  },
  tier: 'B',
  confirmFirst: false,
  secretForm: 'text',
  settings: [
    {
      name: 'API_KEY',
      meaning: 'the secret key (`sk_live_…`), with which refunds are asked for',
      needed: 'confirm',
    },
  ],
  confirm: tapConfirmer,
  receive,
}

function receive(delivery: Delivery, account: GatewayAccount): Received {
  const header = delivery.headers.hashstring
  if (header === undefined || header === '') return refused('signature_missing', 'no hashstring header')
  const given = decodeHex(header, SHA256_BYTES)
  if (given === null) return refused('signature_invalid', 'hashstring is not 64 hex digits')

  const body = parseObject(delivery.body)
  if (body === null) return refused('malformed_body', 'the body is not a JSON object')
  const values = signedValues(body)
  if (values === null)
    return refused('signature_invalid', 'a signed field is missing or of another form than Tap sends')
  const text = textOf(values)
  const secretIndex = findSecret(account, (key) => sameBytes(hmacOf(text, key), given))
  if (secretIndex < 0) return refused('signature_invalid', 'hashstring matches no active secret')
  return readEvent(body, isUnambiguous(values), secretIndex, given.toString('hex'))
}

type Written = readonly [label: string, value: string | null]
type Labelled = readonly (readonly [label: string, value: string])[]

function isLabelled(pair: Written): pair is readonly [string, string] {
  return pair[1] !== null
}

/** An invoice is signed otherwise than charges, authorizations and refunds. Its id tells, which is signed. */
function signedValues(body: JsonObject): Labelled | null {
  const { reference, transaction } = body
  const { gateway, payment } = isObject(reference) ? reference : { gateway: null, payment: null }
  const created = (isObject(transaction) ? transaction.created : null) ?? body.created
  const middle: readonly Written[] = identifierText(body.id)?.startsWith('inv_')
    ? [['x_updated', optionalText(body.updated)]]
    : [
        ['x_gateway_reference', optionalText(gateway)],
        ['x_payment_reference', optionalText(payment)],
      ]
  const values: readonly Written[] = [
    ['x_id', identifierText(body.id)],
    ['x_amount', amountText(body)],
    ['x_currency', identifierText(body.currency)],
    ...middle,
    ['x_status', identifierText(body.status)],
    ['x_created', optionalText(created)],
  ]
  return values.every(isLabelled) ? values : null
}

/** With all digits of the currency: 1.5 KWD as `1.500`, 99.9 EGP as `99.90`. */
function amountText({ amount, currency }: JsonObject): string | null {
  const amountMinor = majorUnits(amount, currency)
  return amountMinor === null || typeof currency !== 'string' ? null : minorToDecimal(amountMinor, currency)
}

/** Absent and null are signed as nothing; null: neither a text nor a whole number. */
function optionalText(value: unknown): string | null {
  return value === undefined || value === null || value === '' ? '' : identifierText(value)
}

const LABEL = /x_(?:id|amount|currency|gateway_reference|payment_reference|updated|status|created)/

/** No value holds what looks like a label: only then can the text be read in one way. */
function isUnambiguous(values: Labelled): boolean {
  return !values.some(([, value]) => LABEL.test(value))
}

function textOf(values: Labelled): string {
  return values.map(([label, value]) => label + value).join('')
}

function hmacOf(text: string, key: KeyObject): Buffer {
  return hmacBytes('sha256', key, text)
}

/** The `hashstring` of an object: lower-case hex. Throws where it cannot be signed. */
export function signTap(body: JsonObject, secret: string): string {
  const values = signedValues(body)
  if (values === null) throw new RangeError('signTap: the object cannot be signed')
  return hmacOf(textOf(values), createSecretKey(secret, 'utf8')).toString('hex')
}

function readEvent(body: JsonObject, isReadable: boolean, secretIndex: number, signature: string): Received {
  const own = `${identifierText(body.id)}:${identifierText(body.status)}`
  const type = tapObject(body)
  return accepted(secretIndex, signature, {
    eventId: isIdentifier(own) ? own : `signature:${signature}`,
    type,
    occurredAt: null,
    signed: isReadable ? SIGNED[type] : [],
    ...readTapFact(body),
  })
}

/** A charge is its own reference; which charge a refund is of (`charge_id`), nothing signs. */
const SIGNED: Readonly<Record<TapObject, readonly DecisiveField[]>> = {
  charge: DECISIVE_FIELDS,
  authorize: DECISIVE_FIELDS,
  refund: DECISIVE_FIELDS.filter((field) => field !== 'reference'),
  invoice: [],
}
