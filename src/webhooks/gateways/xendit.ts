import type { Delivery, GatewayAccount, GatewayAdapter, GatewayEvent, Received } from './adapter.ts'
import { xenditConfirmer } from './confirmers/xendit.ts'
import { dateOfText, isIdentifier, type JsonObject, parseObject, wordOf } from './kit/body.ts'
import { isRefused, unreadable } from './kit/raw-hmac.ts'
import { verifyStaticToken } from './kit/static-token.ts'
import { accepted } from './kit/verdict.ts'
import { objectOf, readObject, type XenditObject } from './xendit-facts.ts'

/**
 * Xendit, https://docs.xendit.co/docs/handling-webhooks: every delivery carries one token, the same for all, and nothing of the
 * body is signed. Whoever has seen one delivery can make any other, so the API is asked before anything moves.
 */
export const xendit: GatewayAdapter = {
  name: 'xendit',
  about: {
    title: 'Xendit',
    source: 'https://docs.xendit.co/docs/handling-webhooks',
    signature: 'a static token in `x-callback-token`',
    eventId: "the object's id and its `status`; `webhook-id` is unsigned and only shown",
  },
  tier: 'C',
  confirmFirst: true,
  secretForm: 'text',
  settings: [
    {
      name: 'API_KEY',
      meaning: 'a secret API key that may read payments, refunds and invoices',
      needed: 'confirm',
    },
  ],
  confirm: xenditConfirmer,
  receive,
}

function receive(delivery: Delivery, account: GatewayAccount): Received {
  const verified = verifyStaticToken(delivery, account, 'x-callback-token')
  if (isRefused(verified)) return verified
  const { secretIndex, signature } = verified
  const body = parseObject(delivery.body)
  const event = body === null ? unreadable(signature) : readEvent(body, signature)
  const shown = delivery.headers['webhook-id']
  return accepted(secretIndex, signature, { ...event, ...(isIdentifier(shown) && { gatewayEventId: shown }) })
}

function readEvent(body: JsonObject, signature: string): GatewayEvent {
  const one = objectOf(body)
  if (one.is === 'unreadable') return unreadable(signature, 'object_unreadable')
  const own = ownId(one)
  const time = body.created ?? body.paid_at ?? body.updated
  return {
    eventId: isIdentifier(own) ? own : `signature:${signature}`,
    type: typeOf(body),
    occurredAt: dateOfText(time),
    signed: [],
    ...readObject(one),
  }
}

/** `created` is the time of the attempt, so that the body's hash would make each an event. */
function ownId(one: XenditObject): string | null {
  if ('id' in one) return `${one.is}:${one.id}:${wordOf(one.object.status)}`
  return one.is === 'unread' ? `${one.event}:${wordOf(one.object.id)}:${wordOf(one.object.status)}` : null
}

/** An invoice has no event: its status tells what happened. */
function typeOf({ event, status }: JsonObject): string {
  if (isIdentifier(event)) return event
  return isIdentifier(status) ? `invoice.${status}`.slice(0, 255) : 'invoice'
}
