import {
  DECISIVE_FIELDS,
  type Delivery,
  type GatewayAccount,
  type GatewayAdapter,
  type GatewayEvent,
  type Received,
} from './adapter.ts'
import { ADYEN_EXPONENTS, type CaptureMode, readFact } from './adyen-facts.ts'
import { type AdyenItem, isSignedBy, isUnambiguous, itemsIn, readItem, signatureText } from './adyen-items.ts'
import { dateOfText, isIdentifier, type JsonObject, parseObject } from './kit/body.ts'
import { partAt } from './kit/part.ts'
import { type HeaderHmac, receiveSignedJson, unreadable } from './kit/raw-hmac.ts'
import { findHexSecret } from './kit/signature.ts'
import { held, type Reading, refused } from './kit/verdict.ts'
import { readAdyenTransfer } from './payouts/adyen.ts'

/** How webhooks of a balance platform are signed. The header's name is Adyen's. */
export const ADYEN_PLATFORM_SIGNATURE: HeaderHmac = {
  header: 'HmacSignature',
  hash: 'sha256',
  encoding: 'base64',
  key: 'hex',
}

/**
 * Adyen, https://docs.adyen.com/development-resources/webhooks: a payments webhook signs eight values of each of its items; a
 * webhook of a balance platform signs its whole body in a header and tells of payouts, and nothing about our payments.
 */
export const adyen: GatewayAdapter = {
  name: 'adyen',
  about: {
    title: 'Adyen',
    source: 'https://docs.adyen.com/development-resources/webhooks/secure-webhooks/verify-hmac-signatures',
    signature:
      'HMAC-SHA256 base64 over eight fields joined by `:` in `additionalData.hmacSignature`; of balance platforms over the body in `HmacSignature`; hex key',
    eventId: '`pspReference:eventCode:success`; of balance platforms the signature',
  },
  tier: 'B',
  confirmFirst: false,
  secretForm: 'hex',
  settings: [
    {
      name: 'CAPTURE',
      meaning:
        '`automatic`: AUTHORISATION is the money; `manual`: it is set aside, and CAPTURE is the money. As in the merchant account (Settings → Capture delay); not set: `manual`',
      needed: 'verify',
      development: 'manual',
      problem: (value) =>
        /^(?:automatic|manual)$/.test(value.trim()) ? null : 'must be automatic or manual',
    },
    {
      name: 'MERCHANT_ACCOUNT',
      meaning: "the merchant account's code: notifications of another are held; not set: all are taken",
    },
  ],
  acknowledgement: { contentType: 'text/plain', body: '[accepted]' },
  receive,
  configurationProblems: ({ secrets }) =>
    secrets.every((secret) => /^(?:[0-9a-f]{2})+$/i.test(secret))
      ? []
      : ['WEBHOOK_SECRETS must be HMAC keys in hex, as the Customer Area shows them'],
}

function receive(delivery: Delivery, account: GatewayAccount): Received {
  if (delivery.headers.hmacsignature !== undefined)
    return receiveSignedJson(delivery, account, ADYEN_PLATFORM_SIGNATURE, readPlatformEvent)
  const body = parseObject(delivery.body)
  const given = body === null ? null : itemsIn(body)
  if (body === null || given === null) return refused('malformed_body', 'the body holds no notificationItems')
  if (given.some((item) => signatureText(item) === null))
    return refused('signature_missing', 'an item without additionalData.hmacSignature')
  const items = given.map(readItem)
  if (!items.every((item) => item !== null))
    return refused('signature_invalid', 'an item whose signature or signed fields have another form')
  // All or nothing: an item that nobody signed must not vanish behind the 200 that its neighbours get.
  const secretIndex = findHexSecret(account, (key) => items.every((item) => isSignedBy(item, key)))
  if (secretIndex < 0) return refused('signature_invalid', 'an item that no active secret signed')
  const [first] = items
  return {
    kind: 'accepted',
    secretIndex,
    signature: first?.signature.toString('hex') ?? '',
    events: items.map((item, index) => ({
      ...readEvent(item, account),
      ...partAt(body, 'notificationItems', index),
    })),
  }
}

function readEvent(item: AdyenItem, account: GatewayAccount): GatewayEvent {
  const { pspReference, eventCode, success } = item
  const signature = item.signature.toString('hex')
  if (!isUnambiguous(item)) return unreadable(signature, 'fields_unsigned')
  const own = `${pspReference}:${eventCode}:${success}`
  return {
    eventId: pspReference !== '' && isIdentifier(own) ? own : `signature:${signature}`,
    type: isIdentifier(eventCode) ? eventCode : 'unreadable',
    occurredAt: dateOfText(item.eventDate),
    signed: DECISIVE_FIELDS,
    ...readOwn(item, account),
  }
}

function readOwn(item: AdyenItem, { settings }: GatewayAccount): Reading {
  const own = settings.MERCHANT_ACCOUNT?.trim() ?? ''
  if (own !== '' && own !== item.merchantAccountCode) return held('owner_mismatch')
  return readFact(item, captureMode(settings.CAPTURE))
}

/** Without a word an authorisation is no money: a payment that stays `authorized` is seen, one that was never captured is not. */
function captureMode(setting: string | undefined): CaptureMode {
  return setting?.trim() === 'automatic' ? 'automatic' : 'manual'
}

/** What a platform tells has no id of its event. Transfers to banks are payouts; nothing of it is about our payments. */
function readPlatformEvent({ type: named, timestamp, data }: JsonObject, signature: string): GatewayEvent {
  const type = isIdentifier(named) ? named : 'platform'
  return {
    eventId: `signature:${signature}`,
    type,
    occurredAt: dateOfText(timestamp),
    signed: DECISIVE_FIELDS,
    tier: 'A',
    ...readAdyenTransfer(type, data, ADYEN_EXPONENTS),
  }
}
