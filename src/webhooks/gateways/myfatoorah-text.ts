import { createSecretKey, type KeyObject } from 'node:crypto'
import { isObject, type JsonObject } from './kit/body.ts'
import { hmacBytes } from './kit/signature.ts'

/** The largest model has some thirty fields; the bound keeps a forger from making us sort a megabyte of names. */
const MAX_KEYS = 64
const PLAIN_KEY = /^[A-Za-z][A-Za-z0-9]{0,63}$/

/**
 * What the signed fields of V2 are, by `Event.Code`, in the order in which they are signed: MyFatoorah's own library and the
 * pages "Webhook V2 … Data Model".
 */
const V2_FIELDS: ReadonlyMap<unknown, readonly string[]> = new Map<unknown, readonly string[]>([
  [
    1,
    [
      'Invoice.Id',
      'Invoice.Status',
      'Transaction.Status',
      'Transaction.PaymentId',
      'Invoice.ExternalIdentifier',
    ],
  ],
  [2, ['Refund.Id', 'Refund.Status', 'Amount.ValueInBaseCurrency', 'ReferencedInvoice.Id']],
  [3, ['Deposit.Reference', 'Deposit.ValueInBaseCurrency', 'Deposit.NumberOfTransactions']],
  [4, ['Supplier.Code', 'KycDecision.Status']],
  [5, ['Recurring.Id', 'Recurring.Status', 'Recurring.InitialInvoiceId']],
  [
    6,
    [
      'Dispute.DisputeTransactionId',
      'Dispute.Status',
      'Invoice.Id',
      'Invoice.Status',
      'Transaction.Status',
      'Transaction.PaymentId',
      'Invoice.ExternalIdentifier',
    ],
  ],
  [7, ['Supplier.Code', 'RequestStatus.Status']],
])

export interface SignedPart {
  readonly version: 1 | 2
  /** What the HMAC is computed over. */
  readonly text: string
  /** The signed fields alone, as signed: null is ''. V2 names hold a dot. */
  readonly fields: ReadonlyMap<string, string>
  /**
   * The text can be read in one way only. Values are not escaped: a customer called `x,InvoiceId=1` makes a text that other
   * fields would make too.
   */
  readonly isUnambiguous: boolean
}

/**
 * What MyFatoorah signs of a body. V1 (`Event` is a word): all of `Data` as `key=value`, sorted without regard to case, but for the
 * object `GatewayReference` of a refund. V2 (`Event` is an object): the fields of its kind. Null where it could not be signed.
 */
export function signedPart({ Event, Data }: JsonObject): SignedPart | null {
  if (!isObject(Data)) return null
  return isObject(Event) ? signedV2(Event.Code, Data) : signedV1(Data)
}

function signedV1(data: JsonObject): SignedPart | null {
  const order = orderOf(data)
  if (order === null) return null
  const fields = new Map<string, string>()
  for (const key of order.sorted) {
    const value = data[key]
    if (key === UNSIGNED_OBJECT && isObject(value)) continue
    const text = plainText(value)
    if (text === null) return null
    fields.set(key, text)
  }
  const isKnown = order.isKnown && !fields.has(UNSIGNED_OBJECT)
  return fields.size === 0 ? null : part(1, fields, isKnown)
}

/** Of a refund; V1 leaves it out where it is an object. */
const UNSIGNED_OBJECT = 'GatewayReference'

/** Every field that V1 signs, by MyFatoorah's "Data Model" pages. A field beside these may be made of a customer's name. */
const V1_KNOWN: ReadonlySet<string> = new Set(
  (
    'InvoiceId InvoiceReference CreatedDate CustomerReference CustomerName CustomerMobile CustomerEmail TransactionStatus ' +
    'PaymentMethod UserDefinedField ReferenceId TrackId PaymentId AuthorizationId TransactionId InvoiceValueInBaseCurrency ' +
    'BaseCurrency InvoiceValueInDisplayCurreny DisplayCurrency InvoiceValueInPayCurrency PayCurrency ' +
    'RefundId RefundReference RefundStatus Amount Comments InvoiceRefernce'
  ).split(' '),
)

interface KeyOrder {
  readonly given: readonly string[]
  readonly sorted: readonly string[]
  readonly isKnown: boolean
}

/** The order seen last. MyFatoorah sends one model over and over, and sorting it is not free. */
let latest: KeyOrder = { given: [], sorted: [], isKnown: true }

/** Null where a key is not plain, or two differ in case alone: which of them comes first is anybody's guess. */
function orderOf(data: JsonObject): KeyOrder | null {
  const keys = Object.keys(data)
  const { given } = latest
  if (given.length === keys.length && given.every((key, index) => key === keys[index])) return latest
  if (keys.length > MAX_KEYS || !keys.every((key) => PLAIN_KEY.test(key))) return null
  const pairs = keys.map((key) => [key.toLowerCase(), key] as const).sort(([a], [b]) => (a < b ? -1 : 1))
  if (new Set(pairs.map(([lower]) => lower)).size < pairs.length) return null
  const isKnown = keys.every((key) => V1_KNOWN.has(key) || key === UNSIGNED_OBJECT)
  latest = { given: keys, sorted: pairs.map(([, key]) => key), isKnown }
  return latest
}

function signedV2(code: unknown, data: JsonObject): SignedPart | null {
  const names = V2_FIELDS.get(code)
  if (names === undefined) return null
  const fields = new Map<string, string>()
  for (const name of names) {
    const text = plainText(valueAt(data, name))
    if (text === null) return null
    fields.set(name, text)
  }
  return part(2, fields, true)
}

/** The value of an inner object: `Invoice.Id`. */
export function valueAt(data: JsonObject, name: string): unknown {
  const [outer = '', inner = ''] = name.split('.')
  const object = Object.hasOwn(data, outer) ? data[outer] : undefined
  return isObject(object) && Object.hasOwn(object, inner) ? object[inner] : undefined
}

function plainText(value: unknown): string | null {
  if (value === null || value === undefined) return ''
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' && value.isWellFormed() ? value : null
}

function part(version: 1 | 2, fields: ReadonlyMap<string, string>, isKnown: boolean): SignedPart {
  let text = ''
  let isUnambiguous = isKnown
  for (const [name, value] of fields) {
    text += text === '' ? `${name}=${value}` : `,${name}=${value}`
    if (value.includes(',') && /,[\w.]+=/.test(value)) isUnambiguous = false
  }
  return { version, text, fields, isUnambiguous }
}

/** The key is the text of the secret, though it looks like base64. */
export function hmacOf(text: string, key: KeyObject): Buffer {
  return hmacBytes('sha256', key, text)
}

/** The MyFatoorah-Signature of a body. Throws where the body cannot be signed. */
export function signMyfatoorah(body: JsonObject, secret: string): string {
  const signed = signedPart(body)
  if (signed === null) throw new RangeError('signMyfatoorah: the body cannot be signed')
  return hmacOf(signed.text, createSecretKey(secret, 'utf8')).toString('base64')
}
