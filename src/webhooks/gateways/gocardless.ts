import { DECISIVE_FIELDS, type GatewayAdapter, type GatewayEvent } from './adapter.ts'
import { gocardlessConfirmer } from './confirmers/gocardless.ts'
import { linkOf, meaningOf, merchantRefOf, operationOf } from './gocardless-actions.ts'
import { dateOfText, isIdentifier, isObject, type JsonObject, wordOf } from './kit/body.ts'
import { partAt } from './kit/part.ts'
import { type HeaderHmac, receiveSignedJson, unreadable } from './kit/raw-hmac.ts'
import { completeFact, held, NOTHING } from './kit/verdict.ts'

export const GOCARDLESS_SIGNATURE: HeaderHmac = {
  header: 'Webhook-Signature',
  hash: 'sha256',
  encoding: 'hex',
}

/**
 * GoCardless, https://developer.gocardless.com/api-reference/#appendix-webhooks: `Webhook-Signature` signs the whole body, in
 * which up to 250 events come together. They name what happened to which payment and never how much it was, so that what
 * moves money is asked for.
 */
export const gocardless: GatewayAdapter = {
  name: 'gocardless',
  about: {
    title: 'GoCardless',
    source: 'https://developer.gocardless.com/api-reference/#appendix-webhooks',
    signature: 'HMAC-SHA256 hex of the body in `Webhook-Signature`; the events name no amounts',
    eventId: '`events[].id`',
  },
  tier: 'A',
  confirmFirst: false,
  secretForm: 'text',
  refusalStatus: 498,
  settings: [
    {
      name: 'ACCESS_TOKEN',
      meaning: 'an access token with read access: it asks how much an event was about',
      needed: 'confirm',
    },
  ],
  receive: (delivery, account) => receiveSignedJson(delivery, account, GOCARDLESS_SIGNATURE, readEvents),
  confirm: gocardlessConfirmer,
}

/** GoCardless sends 250 at most. */
const MAX_EVENTS = 1_000

function readEvents(body: JsonObject, signature: string): readonly GatewayEvent[] {
  const { events } = body
  if (!Array.isArray(events) || events.length > MAX_EVENTS) return [unreadable(signature)]
  return events.map((event: unknown, index) => ({
    ...readEvent(event, `${signature}:${index}`),
    ...partAt(body, 'events', index),
  }))
}

function readEvent(event: unknown, fallbackId: string): GatewayEvent {
  if (!isObject(event)) return unreadable(fallbackId)
  const { id } = event
  const type = `${wordOf(event.resource_type)}.${wordOf(event.action)}`
  if (!isIdentifier(id) || !isIdentifier(type)) return unreadable(fallbackId)
  return {
    eventId: id,
    type,
    occurredAt: dateOfText(event.created_at),
    signed: DECISIVE_FIELDS,
    ...readFact(event),
  }
}

function readFact(event: JsonObject): Pick<GatewayEvent, 'fact' | 'hold' | 'isHint'> {
  const meaning = meaningOf(event)
  if (meaning === null) return NOTHING
  if (meaning.is === 'held') return held(meaning.hold)
  if (meaning.is === 'asked' || meaning.is === 'payout') return { fact: null, hold: null, isHint: true }
  const paymentId = linkOf(event, 'payment')
  if (paymentId === null) return held('reference_missing')
  return completeFact({
    kind: meaning.kind,
    merchantRef: merchantRefOf(event.resource_metadata),
    gatewayRef: paymentId,
    operationRef: operationOf(meaning.kind, paymentId),
    amountMinor: null,
    currency: null,
  })
}
