import { isCurrency } from '../../base/money.ts'
import type { Delivery, GatewayAccount, GatewayAdapter, Received } from './adapter.ts'
import { myfatoorahConfirmer } from './confirmers/myfatoorah.ts'
import { dateOfText, isIdentifier, isObject, type JsonObject, parseObject } from './kit/body.ts'
import { decodeBase64, findSecret, sameBytes } from './kit/signature.ts'
import { accepted, refused } from './kit/verdict.ts'
import { readModel } from './myfatoorah-fact.ts'
import { hmacOf, type SignedPart, signedPart } from './myfatoorah-text.ts'

const SHA256_BYTES = 32

/**
 * MyFatoorah, https://docs.myfatoorah.com/docs/webhook-signature, V1 and V2. V1 signs all of `Data`, amount and currency too; V2 signs
 * no amount of a payment, so that its payments are asked for.
 */
export const myfatoorah: GatewayAdapter = {
  name: 'myfatoorah',
  about: {
    title: 'MyFatoorah',
    source: 'https://docs.myfatoorah.com/docs/webhook-signature',
    signature:
      'HMAC-SHA256 base64 over `key=value,…` of `Data` (V1: all, sorted; V2: a few) in `MyFatoorah-Signature`',
    eventId: "the kind's number, the id of the payment (refund, dispute) and its status",
  },
  tier: 'B',
  confirmFirst: false,
  secretForm: 'text',
  settings: [
    {
      name: 'BASE_CURRENCY',
      meaning:
        "your account's base currency (`KWD`), which no refund has signed; without it refunds never settle by themselves",
      problem: (value) => (isCurrency(value.trim()) ? null : 'must be a currency of ISO 4217, upper case'),
    },
    { name: 'API_KEY', meaning: 'the API token, with which payments are asked for', needed: 'confirm' },
  ],
  confirm: myfatoorahConfirmer,
  receive,
}

function receive(delivery: Delivery, account: GatewayAccount): Received {
  const header = delivery.headers['myfatoorah-signature']
  if (header === undefined || header === '')
    return refused('signature_missing', 'no MyFatoorah-Signature header')
  const given = decodeBase64(header)
  // 44 characters may hold 32 or 33 bytes.
  if (given?.length !== SHA256_BYTES)
    return refused('signature_invalid', 'MyFatoorah-Signature is not base64 of 32 bytes')

  const body = parseObject(delivery.body)
  if (body === null) return refused('malformed_body', 'the body is not a JSON object')
  const signed = signedPart(body)
  if (signed === null) return refused('signature_invalid', 'Data is of no form that MyFatoorah signs')
  const secretIndex = findSecret(account, (key) => sameBytes(hmacOf(signed.text, key), given))
  if (secretIndex < 0) return refused('signature_invalid', 'MyFatoorah-Signature matches no active secret')

  return readEvent(body, signed, account, secretIndex, given.toString('hex'))
}

/** Event.Reference, V2's own id of the event, is unsigned: it is shown, and makes nothing one. */
function readEvent(
  body: JsonObject,
  signed: SignedPart,
  account: GatewayAccount,
  secretIndex: number,
  signature: string,
): Received {
  const { kind, number, id, status, reading, decisive } = readModel(body, signed, account)
  const own = `${number}:${id}:${status}`
  const event = isObject(body.Event) ? body.Event : {}
  return accepted(secretIndex, signature, {
    eventId: id !== null && isIdentifier(own) ? own : `signature:${signature}`,
    ...(isIdentifier(event.Reference) ? { gatewayEventId: event.Reference } : {}),
    type: kind,
    occurredAt: dateOfText(event.CreationDate),
    signed: decisive,
    ...reading,
  })
}
