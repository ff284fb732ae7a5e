import { expect } from 'vitest'
import type { GatewayAccount, GatewayEvent, Received } from '../../src/webhooks/gateways/adapter.ts'
import { adyen } from '../../src/webhooks/gateways/adyen.ts'
import { signAdyenItem } from '../../src/webhooks/gateways/adyen-items.ts'
import type { JsonObject } from '../../src/webhooks/gateways/kit/body.ts'

/** HMAC key of these tests; it stands second among the account's secrets. */
export const SECRET = '44782def547aaa06c910c43932b1eb0c71fc68d9d0c057550c48ec2acf6ba056'
export const MANUAL = { CAPTURE: 'manual' }

export const authorisation = {
  pspReference: '7914073381342284',
  merchantAccountCode: 'OncelineEU',
  merchantReference: 'trip-1',
  amount: { value: 1_130, currency: 'EUR' },
  eventCode: 'AUTHORISATION',
  eventDate: '2026-05-06T17:15:34.121+02:00',
  success: 'true',
  paymentMethod: 'visa',
  reason: '033899:1111:03/2030',
}
export const refund = {
  ...authorisation,
  pspReference: '8815073381342285',
  originalReference: authorisation.pspReference,
  merchantReference: 'trip-1',
  amount: { value: 500, currency: 'EUR' },
  eventCode: 'REFUND',
}

export function signed(item: JsonObject, secret = SECRET): JsonObject {
  return { ...item, additionalData: { hmacSignature: signAdyenItem(item, secret) } }
}

export function receive(
  items: readonly JsonObject[],
  settings: GatewayAccount['settings'] = MANUAL,
): Received {
  const notificationItems = items.map((item) => ({ NotificationRequestItem: item }))
  return receiveBody(Buffer.from(JSON.stringify({ live: 'false', notificationItems })), {}, settings)
}

export function receiveBody(
  body: Buffer,
  headers = {},
  settings: GatewayAccount['settings'] = MANUAL,
): Received {
  const account = { gateway: 'adyen', account: 'default', secrets: ['00ff', SECRET], settings }
  return adyen.receive({ body, headers, query: new URLSearchParams() }, account, null)
}

export function eventsOf(received: Received): readonly GatewayEvent[] {
  if (received.kind !== 'accepted') throw new Error(JSON.stringify(received))
  return received.events
}

export function eventOf(item: JsonObject, settings: GatewayAccount['settings'] = MANUAL): GatewayEvent {
  return eventsOf(receive([signed(item)], settings))[0] ?? expect.fail('no event')
}
