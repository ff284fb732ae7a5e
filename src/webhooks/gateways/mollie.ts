import {
  DECISIVE_FIELDS,
  type Delivery,
  type GatewayAccount,
  type GatewayAdapter,
  type GatewayEvent,
  type Received,
} from './adapter.ts'
import { mollieConfirmer } from './confirmers/mollie.ts'
import { dateOfText, isIdentifier, isObject, type JsonObject, wordOf } from './kit/body.ts'
import { parseForm } from './kit/form.ts'
import { hintId } from './kit/hint.ts'
import { type HeaderHmac, receiveSignedJson, unreadable } from './kit/raw-hmac.ts'
import { accepted, refused } from './kit/verdict.ts'
import { isPaymentId, readEntity } from './mollie-entities.ts'

const HEADER = 'x-mollie-signature'

/** Of the next-generation webhooks; the key is the webhook's own secret. */
export const MOLLIE_SIGNATURE: HeaderHmac = {
  header: 'X-Mollie-Signature',
  hash: 'sha256',
  encoding: 'hex',
  prefix: 'sha256=',
}

/** While a secret is rolled Mollie sends one header for each; each costs an HMAC over the body. */
const MAX_SIGNATURES = 3

/**
 * Mollie, https://docs.mollie.com/reference/webhooks-new: `X-Mollie-Signature` signs the whole body of a next-generation webhook.
 * The classic one, https://docs.mollie.com/reference/webhooks, is `id=tr_…` and nothing else: no signature, no state.
 *
 * Which of the two an account has, its secrets decide and never the delivery: an account with secrets takes signed deliveries
 * alone, so that taking the header off makes nothing weaker.
 */
export const mollie: GatewayAdapter = {
  name: 'mollie',
  about: {
    title: 'Mollie',
    source: 'https://docs.mollie.com/reference/webhooks-new',
    signature:
      'HMAC-SHA256 hex of the body in `X-Mollie-Signature`; classic webhooks, for accounts without secrets: none (tier D)',
    eventId: '`id`; classic: the payment and the ten seconds in which it came',
  },
  tier: 'A',
  confirmFirst: false,
  secretForm: 'text',
  secretsOptional: true,
  settings: [
    {
      name: 'API_KEY',
      meaning: 'the API key of the profile (`live_…`), which is asked about each payment that is only named',
      needed: 'confirm',
    },
  ],
  receive,
  confirm: mollieConfirmer,
  configurationProblems,
}

function configurationProblems({ secrets, settings }: GatewayAccount): readonly string[] {
  return secrets.length === 0 && !settings.API_KEY?.trim()
    ? ['API_KEY is missing: without secrets each delivery only names a payment, which has to be asked for']
    : []
}

function receive(delivery: Delivery, account: GatewayAccount, nowMs: number | null): Received {
  return account.secrets.length === 0 ? receiveClassic(delivery, nowMs) : receiveSigned(delivery, account)
}

function receiveSigned(delivery: Delivery, account: GatewayAccount): Received {
  const values = (delivery.headers[HEADER] ?? '').split(', ', MAX_SIGNATURES + 1)
  if (values.length > MAX_SIGNATURES)
    return refused('signature_invalid', 'more than 3 X-Mollie-Signature headers')
  let received: Received = refused('signature_missing', 'no X-Mollie-Signature header')
  for (const value of values) {
    const one = { ...delivery, headers: { [HEADER]: value } }
    received = receiveSignedJson(one, account, MOLLIE_SIGNATURE, readEvent)
    if (received.kind === 'accepted') return received
  }
  return received
}

/** An event that holds its object, or names it alone; or the object by itself, as it was at the event. */
function readEvent(body: JsonObject, signature: string): GatewayEvent {
  const isEvent = body.resource === 'event' || body.resource === undefined
  const type = isEvent ? (body.type ?? body.event_type) : `${wordOf(body.resource)}.${wordOf(body.status)}`
  if (!isIdentifier(body.id) || !isIdentifier(type)) return unreadable(signature)
  const embedded = isObject(body._embedded) ? body._embedded.entity : null
  const entity = isEvent ? (isObject(embedded) ? embedded : null) : body
  const own = isEvent ? body.id : `${type}:${body.id}`
  return {
    eventId: isIdentifier(own) ? own : `signature:${signature}`,
    type,
    occurredAt: dateOfText(isEvent ? body.createdAt : null),
    signed: DECISIVE_FIELDS,
    ...(entity === null && type.startsWith('payment.') && isPaymentId(body.entityId)
      ? { fact: null, hold: null, isHint: true }
      : readEntity(type, entity)),
  }
}

/** Anybody may post this. It hints at a payment, which is asked for; a later one is another event, for the payment may have changed. */
function receiveClassic({ body, headers }: Delivery, nowMs: number | null): Received {
  if (headers[HEADER] !== undefined)
    return refused('signature_invalid', 'the account has no secret to verify X-Mollie-Signature with')
  const id = parseForm(body)?.get('id')
  if (!isPaymentId(id)) return refused('malformed_body', 'the form names no payment (id=tr_…)')
  return accepted(0, '', {
    eventId: hintId(id, nowMs),
    type: 'payment',
    occurredAt: null,
    fact: null,
    signed: [],
    hold: null,
    tier: 'D',
    isHint: true,
  })
}
