import { minorToDecimal } from '../../base/money.ts'
import type { DecisiveField, Delivery, GatewayAccount, GatewayAdapter, Received } from './adapter.ts'
import { fawryConfirmer } from './confirmers/fawry.ts'
import { CURRENCY, isFawryStatus, readFawryFact, signedAmount } from './fawry-facts.ts'
import { identifierText, isIdentifier, type JsonObject, parseObject } from './kit/body.ts'
import { decodeHex, digestBytes, findSecret, sameBytes } from './kit/signature.ts'
import { accepted, refused } from './kit/verdict.ts'

const SHA256_BYTES = 32

/**
 * Fawry (FawryPay), Server To Server Notification V2, https://developer.fawrystaging.com/docs/payment-notifications: the body's
 * `messageSignature` is a SHA-256 over values that stand side by side, so borders count as signed only where they are pinned;
 * see signedFields.
 */
export const fawry: GatewayAdapter = {
  name: 'fawry',
  about: {
    title: 'Fawry',
    source: 'https://developer.fawrystaging.com/docs/payment-notifications/server-notification-v2',
    signature:
      "SHA-256 hex over references, amounts, status, method and key with nothing between them, in the body's `messageSignature`",
    eventId: '`fawryRefNumber`, `orderStatus` and `paymentAmount`',
  },
  tier: 'B',
  confirmFirst: false,
  secretForm: 'text',
  settings: [
    {
      name: 'USE_MERCHANT_REF_NUM',
      meaning:
        '`false` where your signatures leave `merchantRefNumber` out (as the community SDKs compute them); not set: `true`',
      problem: (value) => (/^(?:true|false)$/.test(value.trim()) ? null : 'must be true or false'),
    },
    {
      name: 'MERCHANT_CODE',
      meaning: 'your merchant code, with which orders are asked for',
      needed: 'confirm',
    },
    { name: 'SECURE_KEY', meaning: 'the secure key, which signs questions, too', needed: 'confirm' },
  ],
  confirm: fawryConfirmer,
  receive,
}

function receive(delivery: Delivery, account: GatewayAccount): Received {
  const body = parseObject(delivery.body)
  if (body === null) return refused('malformed_body', 'the body is not a JSON object')
  const { messageSignature } = body
  if (messageSignature === undefined || messageSignature === null || messageSignature === '')
    return refused('signature_missing', 'no messageSignature in the body')
  const given = typeof messageSignature === 'string' ? decodeHex(messageSignature, SHA256_BYTES) : null
  if (given === null) return refused('signature_invalid', 'messageSignature is not 64 hex digits')

  const signed = readSigned(body, account.settings.USE_MERCHANT_REF_NUM?.trim() !== 'false')
  if (signed === null)
    return refused('signature_invalid', 'a signed field is missing or of another form than Fawry sends')
  const text = signedText(signed)
  const secretIndex = findSecret(account, (_, secret) => sameBytes(digestOf(text, secret), given))
  if (secretIndex < 0) return refused('signature_invalid', 'messageSignature matches no active secret')
  return readEvent(signed, secretIndex, given.toString('hex'))
}

/** What the signature covers, and nothing else, so that nothing reads an unsigned field by accident. */
interface Signed {
  readonly fawryRef: string
  /** Null where this account's signatures leave it out. */
  readonly merchantRef: string | null
  readonly paymentMinor: bigint
  readonly orderMinor: bigint
  readonly status: string
  readonly method: string
  /** Fawry's number of the financial transaction; '' where there is none. */
  readonly transaction: string
}

function readSigned(body: JsonObject, withMerchantRef: boolean): Signed | null {
  const fawryRef = identifierText(body.fawryRefNumber)
  const merchantRef = optionalText(body.merchantRefNumber)
  const paymentMinor = signedAmount(body.paymentAmount)
  const orderMinor = signedAmount(body.orderAmount)
  const status = identifierText(body.orderStatus)
  const method = optionalText(body.paymentMethod)
  // Spelled so by Fawry.
  const transaction = optionalText(body.paymentRefrenceNumber)
  if (fawryRef === null || merchantRef === null || status === null || method === null || transaction === null)
    return null
  if (paymentMinor === null || orderMinor === null) return null
  const own = withMerchantRef ? merchantRef : null
  return { fawryRef, merchantRef: own, paymentMinor, orderMinor, status, method, transaction }
}

/** Absent, null and empty are all signed as nothing; null: a value that is neither that nor an id. */
function optionalText(value: unknown): string | null {
  return value === undefined || value === null || value === '' ? '' : identifierText(value)
}

/** Amounts are signed with two digits after the point, however the body writes them: 152 as `152.00`. */
function signedText(signed: Signed): string {
  const { fawryRef, merchantRef, paymentMinor, orderMinor, status, method, transaction } = signed
  const amounts = minorToDecimal(paymentMinor, CURRENCY) + minorToDecimal(orderMinor, CURRENCY)
  return fawryRef + (merchantRef ?? '') + amounts + status + method + transaction
}

/** A digest with the key at its end, not an HMAC. */
function digestOf(text: string, secret: string): Buffer {
  return digestBytes('sha256', text + secret)
}

/** The `messageSignature` of a body: lower-case hex. Throws where the body cannot be signed. */
export function signFawry(body: JsonObject, secret: string, withMerchantRef = true): string {
  const signed = readSigned(body, withMerchantRef)
  if (signed === null) throw new RangeError('signFawry: the body cannot be signed')
  return digestOf(signedText(signed), secret).toString('hex')
}

function readEvent(signed: Signed, secretIndex: number, signature: string): Received {
  const { fawryRef, status } = signed
  const paid = minorToDecimal(signed.paymentMinor, CURRENCY)
  // Two refunds of parts have one status and one amount; only their transactions tell them apart.
  const part = status === 'PARTIAL_REFUNDED' && signed.transaction !== '' ? `:${signed.transaction}` : ''
  const own = `${fawryRef}:${status}:${paid}${part}`
  return accepted(secretIndex, signature, {
    eventId: isIdentifier(own) ? own : `signature:${signature}`,
    type: isFawryStatus(status) ? status : 'other',
    occurredAt: null,
    signed: signedFields(signed),
    ...readFawryFact(signed),
  })
}

const UUID_AT_END = /(?:^|[^0-9a-f])[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i
const IS_UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i

/**
 * Which decisive fields the digest covers without doubt. orderAmount always: two digits after the point end the amount before
 * it and itself. The status always, as no word begins with another. The references only where digits could not have moved:
 * - between the two, Fawry's (digits) ends where ours begins with something else, or ours is a UUID;
 * - before paymentAmount, ours ends where it is a UUID, or where what was paid is what was ordered: a digit more or less
 *   would make them differ, unless the fee is larger than the order.
 */
function signedFields(signed: Signed): readonly DecisiveField[] {
  const { fawryRef, merchantRef, paymentMinor, orderMinor } = signed
  const isPaidAsOrdered = paymentMinor === orderMinor
  const endsPinned = isPaidAsOrdered || (merchantRef !== null && UUID_AT_END.test(merchantRef))
  const bordersPinned =
    merchantRef === null || merchantRef === ''
      ? isPaidAsOrdered
      : endsPinned && (!/^\d/.test(merchantRef) || IS_UUID.test(merchantRef))
  const referencesSigned = /^\d+$/.test(fawryRef) && bordersPinned
  const always = ['amount', 'currency', 'status'] as const
  return referencesSigned ? ['reference', ...always, 'transaction'] : always
}
