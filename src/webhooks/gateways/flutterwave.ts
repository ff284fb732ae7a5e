import {
  DECISIVE_FIELDS,
  type Delivery,
  type GatewayAccount,
  type GatewayAdapter,
  type GatewayEvent,
  type Received,
} from './adapter.ts'
import { flutterwaveConfirmer } from './confirmers/flutterwave.ts'
import { readV3, readV4 } from './flutterwave-facts.ts'
import {
  dateOfText,
  identifierText,
  isIdentifier,
  isObject,
  type JsonObject,
  parseObject,
  storableDate,
} from './kit/body.ts'
import { type HeaderHmac, isRefused, receiveSignedJson, unreadable } from './kit/raw-hmac.ts'
import { verifyStaticToken } from './kit/static-token.ts'
import { accepted, refused } from './kit/verdict.ts'

/** Of v4; the key is the secret hash. */
export const FLUTTERWAVE_SIGNATURE: HeaderHmac = {
  header: 'flutterwave-signature',
  hash: 'sha256',
  encoding: 'base64',
}

/** Of v3, whose value is the secret hash itself. */
const TOKEN_HEADER = 'verif-hash'

/**
 * Flutterwave, https://developer.flutterwave.com/docs/webhooks. v4 signs the whole body with the secret hash; v3 sends the
 * secret hash along, and signs nothing.
 *
 * Whoever has once seen a header of v3 holds the key of v4. So a v4 signature moves money at once only for an account that says
 * that it is of v4 and takes no v3; where nothing is said, both are taken and neither is believed without asking.
 */
export const flutterwave: GatewayAdapter = {
  name: 'flutterwave',
  about: {
    title: 'Flutterwave',
    source: 'https://developer.flutterwave.com/docs/webhooks',
    signature:
      'v4: HMAC-SHA256 base64 of the body in `flutterwave-signature`; v3: the secret itself in `verif-hash` (tier C)',
    eventId: 'v4: `webhook_id`; v3: `event`, `data.id` and `data.status`',
  },
  tier: 'A',
  confirmFirst: false,
  secretForm: 'text',
  settings: [
    {
      name: 'API_VERSION',
      meaning: '`v4` or `v3`: the only version whose deliveries are taken',
      needed: 'verify',
      development: 'v4',
      problem: (value) => (value === 'v3' || value === 'v4' ? null : 'must be v3 or v4'),
    },
    {
      name: 'SECRET_KEY',
      meaning: 'of v3: the secret key of the API (`FLWSECK-…`), which is asked about each transaction',
      needed: 'confirm',
    },
  ],
  receive,
  confirm: flutterwaveConfirmer,
}

/** The account's version decides, and where it has none the header of v4 comes first: taking it away makes nothing weaker. */
function receive(delivery: Delivery, account: GatewayAccount): Received {
  const version = account.settings.API_VERSION
  if (version === 'v3') return receiveV3(delivery, account)
  if (version === 'v4' || delivery.headers[FLUTTERWAVE_SIGNATURE.header] !== undefined)
    return receiveSignedJson(delivery, account, FLUTTERWAVE_SIGNATURE, (body, signature) =>
      version === 'v4' ? eventOfV4(body, signature) : { ...eventOfV4(body, signature), tier: 'C' },
    )
  if (delivery.headers[TOKEN_HEADER] === undefined)
    return refused('signature_missing', `no ${FLUTTERWAVE_SIGNATURE.header} and no ${TOKEN_HEADER} header`)
  return receiveV3(delivery, account)
}

/** Earlier bodies of v4 call `id` what is `webhook_id` now. */
function eventOfV4(body: JsonObject, signature: string): GatewayEvent {
  const id = body.webhook_id ?? body.id
  const { type, data, timestamp } = body
  if (!isIdentifier(id) || !isIdentifier(type) || !isObject(data)) return unreadable(signature)
  return {
    eventId: id,
    type,
    occurredAt: typeof timestamp === 'number' ? storableDate(timestamp) : dateOfText(timestamp),
    signed: DECISIVE_FIELDS,
    ...readV4(type, data),
  }
}

function receiveV3(delivery: Delivery, account: GatewayAccount): Received {
  const verified = verifyStaticToken(delivery, account, TOKEN_HEADER)
  if (isRefused(verified)) return verified
  const body = parseObject(delivery.body)
  const event = body === null ? unreadable(verified.signature) : eventOfV3(body, verified.signature)
  return accepted(verified.secretIndex, verified.signature, { ...event, tier: 'C', signed: [] })
}

function eventOfV3({ event, data }: JsonObject, signature: string): GatewayEvent {
  if (!isIdentifier(event) || !isObject(data)) return unreadable(signature)
  const own = `${event}:${identifierText(data.id)}:${identifierText(data.status)}`
  return {
    eventId: isIdentifier(own) ? own : `signature:${signature}`,
    type: event,
    occurredAt: dateOfText(data.created_at),
    signed: [],
    ...readV3(event, data),
  }
}
