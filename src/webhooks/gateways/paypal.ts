import { type KeyObject, sign } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { Delivery, GatewayAccount, GatewayAdapter, GatewayEvent, Received, Refused } from './adapter.ts'
import { paypalConfirmer } from './confirmers/paypal.ts'
import { dateOfText, isIdentifier, parseObject } from './kit/body.ts'
import { publicKeySetting } from './kit/public-key.ts'
import { unreadable } from './kit/raw-hmac.ts'
import { isCertificateNeeded, isRsaSigned, keyOfCertificate, readRsaSignature } from './kit/rsa-signature.ts'
import { accepted, refused } from './kit/verdict.ts'
import { readFact } from './paypal-facts.ts'

/** The webhook of development and of the samples. */
export const DEVELOPMENT_WEBHOOK_ID = '0ONCELINE0SAMPLE0'

/**
 * PayPal, https://developer.paypal.com/api/rest/webhooks/rest: an RSA key signs the id and the time of the transmission, the
 * webhook's id and the CRC-32 of the body. A CRC is no hash: whoever has seen one delivery can make a body of any content with
 * the same CRC, so that every event is asked for before it counts.
 */
export const paypal: GatewayAdapter = {
  name: 'paypal',
  about: {
    title: 'PayPal',
    source: 'https://developer.paypal.com/api/rest/webhooks/rest',
    signature:
      'RSA-SHA256 of `<transmission id>|<time>|<webhook id>|<CRC-32 of the body>` in `PAYPAL-TRANSMISSION-SIG`, by a certificate of `api.paypal.com`',
    eventId: '`id`',
  },
  tier: 'B',
  confirmFirst: true,
  secretForm: 'none',
  secretsOptional: true,
  settings: [
    {
      name: 'WEBHOOK_ID',
      meaning: "the webhook's id, as the dashboard shows it; it is part of what is signed",
      needed: 'verify',
      development: DEVELOPMENT_WEBHOOK_ID,
      problem: (value) => (/^[0-9A-Z]{8,50}$/.test(value.trim()) ? null : 'must be the id of a webhook'),
    },
    publicKeySetting('PayPal'),
    { name: 'CLIENT_ID', meaning: "the REST app's client id", needed: 'confirm' },
    { name: 'CLIENT_SECRET', meaning: "the REST app's secret", needed: 'confirm' },
  ],
  confirm: paypalConfirmer,
  receive,
}

function receive(
  delivery: Delivery,
  account: GatewayAccount,
  _nowMs: number | null,
  certificates?: ReadonlyMap<string, KeyObject>,
): Received {
  const transmission = readTransmission(delivery)
  if ('kind' in transmission) return transmission
  const webhookId = account.settings.WEBHOOK_ID?.trim() ?? ''
  if (webhookId === '')
    return refused('signature_invalid', 'WEBHOOK_ID is not configured, and is part of what is signed')
  const key = keyOfCertificate(certificateUrlIn(delivery), account, certificates)
  if (key === null)
    return refused('signature_invalid', "PAYPAL-CERT-URL is no certificate on one of PayPal's hosts")
  if (isCertificateNeeded(key)) return key
  const text = signedText(transmission, webhookId, delivery.body)
  if (!isRsaSigned(text, 'RSA-SHA256', key, transmission.signature))
    return refused(
      'signature_invalid',
      'PAYPAL-TRANSMISSION-SIG is not that of the certificate and the webhook',
    )
  return accepted(0, transmission.signature.toString('hex'), readEvent(delivery.body, transmission))
}

interface Transmission {
  readonly id: string
  readonly time: string
  readonly signature: Buffer
}

/** No `|` in either, which would move the border between them. */
const TRANSMISSION_ID = /^[\w-]{1,64}$/
const TRANSMISSION_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/

function readTransmission({ headers }: Delivery): Transmission | Refused {
  const id = headers['paypal-transmission-id'] ?? ''
  const time = headers['paypal-transmission-time'] ?? ''
  const sig = headers['paypal-transmission-sig'] ?? ''
  if (sig === '') return refused('signature_missing', 'no PAYPAL-TRANSMISSION-SIG header')
  if (headers['paypal-auth-algo'] !== 'SHA256withRSA')
    return refused('signature_invalid', 'PAYPAL-AUTH-ALGO is not SHA256withRSA')
  if (!TRANSMISSION_ID.test(id)) return refused('signature_invalid', 'PAYPAL-TRANSMISSION-ID is no id')
  if (!TRANSMISSION_TIME.test(time))
    return refused('signature_invalid', 'PAYPAL-TRANSMISSION-TIME is no time')
  const signature = readRsaSignature(sig)
  if (signature === null)
    return refused('signature_invalid', 'PAYPAL-TRANSMISSION-SIG is no base64 of an RSA signature')
  return { id, time, signature }
}

/** null where it is not one of PayPal's. */
function certificateUrlIn({ headers }: Delivery): string | null {
  const url = headers['paypal-cert-url'] ?? ''
  return CERTIFICATE_URL.test(url) ? url : null
}

/** Written out, so that no parser of URLs has a say: two hosts, no port, no user, no query, no way out of the folder. */
const CERTIFICATE_URL = /^https:\/\/api(?:\.sandbox)?\.paypal\.com\/v1\/notifications\/certs\/[\w-]{1,128}$/

/** Text, so that it can be signed as it is; the CRC is a decimal without a sign. */
export function signedText({ id, time }: Pick<Transmission, 'id' | 'time'>, webhookId: string, body: Buffer) {
  return `${id}|${time}|${webhookId}|${crc32(body)}`
}

/** PAYPAL-TRANSMISSION-SIG for a text; for samples and tests. */
export function signPaypal(text: string, privateKey: KeyObject): string {
  return sign('RSA-SHA256', Buffer.from(text), privateKey).toString('base64')
}

function readEvent(body: Buffer, { id: transmissionId }: Transmission): GatewayEvent {
  const event = parseObject(body)
  const { id, event_type: type } = event ?? {}
  if (event === null || !isIdentifier(id) || !isIdentifier(type)) {
    return { ...unreadable(''), eventId: `transmission:${transmissionId}` }
  }
  return {
    eventId: id,
    type,
    occurredAt: dateOfText(event.create_time),
    signed: [],
    ...readFact(type, event.resource),
  }
}
