import { createHmac, type KeyObject } from 'node:crypto'
import Stripe from 'stripe'
import type { Delivery, GatewayAccount, GatewayAdapter, Received } from './adapter.ts'
import { parseObject } from './kit/body.ts'
import { isFresh } from './kit/clock.ts'
import { findSecret } from './kit/signature.ts'
import { accepted, refused } from './kit/verdict.ts'
import { stripeLister } from './listers/stripe.ts'
import { readEvent } from './stripe-facts.ts'

/** The age that Stripe's own libraries allow; here it bounds the future as well. */
const TOLERANCE_SECONDS = 300

/** A genuine header holds a timestamp and a few signatures of 64 characters. */
const MAX_HEADER_CHARS = 1024

const TIMESTAMP = /^\d{1,12}$/

/** Stripe, https://docs.stripe.com/webhooks: `Stripe-Signature` signs the timestamp and the whole body. */
export const stripe: GatewayAdapter = {
  name: 'stripe',
  about: {
    title: 'Stripe',
    source: 'https://docs.stripe.com/webhooks',
    signature: 'HMAC-SHA256 hex of `<t>.<body>` in `Stripe-Signature`, any `v1`, within 300 s',
    eventId: '`id`',
  },
  tier: 'A',
  confirmFirst: false,
  secretForm: 'whsec',
  toleranceSeconds: TOLERANCE_SECONDS,
  settings: [
    {
      name: 'API_KEY',
      meaning: 'a restricted key that may read events: it lists those that never came',
      needed: 'confirm',
      problem: (value) =>
        /^[sr]k_\w+$/.test(value.trim()) ? null : 'must be a secret or restricted key (sk_…, rk_…)',
    },
  ],
  lister: stripeLister,
  receive,
}

function receive(delivery: Delivery, account: GatewayAccount, nowMs: number | null): Received {
  const header = delivery.headers['stripe-signature']
  if (header === undefined || header === '') return refused('signature_missing', 'no Stripe-Signature header')
  const timestamp = readTimestamp(header)
  if (timestamp === null) return refused('signature_invalid', 'Stripe-Signature holds no single timestamp')

  const hmac = new RawBodyHmac(delivery.body)
  const secretIndex = findSecret(account, (key, secret) => verify(header, secret, hmac.with(key)))
  if (secretIndex < 0) return refused('signature_invalid', 'no v1 signature matches an active secret')
  if (!isFresh(timestamp, nowMs, TOLERANCE_SECONDS)) {
    return refused('signature_expired', 'the timestamp is more than 300 s away')
  }
  const body = parseObject(delivery.body)
  if (body === null) return refused('malformed_body', 'the body is not a JSON object')
  const event = readEvent(body)
  return 'kind' in event ? event : accepted(secretIndex, hmac.latest, event)
}

/** The one `t=` of the header, in seconds. Two of them (a header sent twice) leave open which one is judged. */
function readTimestamp(header: string): number | null {
  if (header.length > MAX_HEADER_CHARS) return null
  const start = header.indexOf('t=')
  if (start < 0 || header.lastIndexOf('t=') !== start) return null
  const end = header.indexOf(',', start)
  const digits = header.slice(start + 't='.length, end < 0 ? undefined : end)
  return TIMESTAMP.test(digits) ? Number(digits) : null
}

/**
 * Stands for the payload in Stripe's verification, whose bytes `RawBodyHmac` reads itself. So the library neither decodes
 * the body nor copies it into its errors.
 */
const PAYLOAD_IS_RAW = 'raw'

/**
 * Stripe's own verification: it picks the v1 signatures out of the header and compares each in constant time. Its check
 * of age (off with tolerance 0) knows only the past, so `receive` judges both directions.
 */
function verify(header: string, secret: string, hmac: RawBodyHmac): boolean {
  const noCheckOfAge = 0
  try {
    return (
      Stripe.webhooks.signature?.verifyHeader(PAYLOAD_IS_RAW, header, secret, noCheckOfAge, hmac) ?? false
    )
  } catch {
    return false
  }
}

/**
 * Computes the HMAC for Stripe's verification over the bytes that came in. By itself the library signs the decoded text,
 * in which a byte order mark is gone and every invalid byte looks alike.
 */
class RawBodyHmac extends Stripe.CryptoProvider {
  readonly #body: Buffer
  #key: KeyObject | null = null
  /** The last signature computed; after a match, the one that matched. */
  latest = ''

  constructor(body: Buffer) {
    super()
    this.#body = body
  }

  with(key: KeyObject): this {
    this.#key = key
    return this
  }

  override computeHMACSignature(payload: string, secret: string): string {
    const timestampAndDot = payload.slice(0, -PAYLOAD_IS_RAW.length)
    const hmac = createHmac('sha256', this.#key ?? secret)
    this.latest = hmac.update(timestampAndDot).update(this.#body).digest('hex')
    return this.latest
  }
}
