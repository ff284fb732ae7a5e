import { randomUUID } from 'node:crypto'
import { type NewEvent, newEvent } from '../../src/webhooks/event.ts'
import type { GatewayAdapter } from '../../src/webhooks/gateways/adapter.ts'

/** A gateway whose signature covers the whole body. */
const adapter: GatewayAdapter = {
  name: 'testpay',
  about: { title: 'Testpay', source: '', signature: '', eventId: '' },
  secretForm: 'text',
  tier: 'A',
  confirmFirst: false,
  receive: () => ({ kind: 'refused', code: 'malformed_body', detail: 'this gateway only lends its tier' }),
}

export interface EventShape {
  readonly eventId?: string
  readonly amountMinor?: bigint
  readonly type?: string
  readonly account?: string
  readonly requestId?: string
  readonly body?: Buffer
}

/** A capture as a gateway would tell of it; every call is a delivery of its own. The body names the event and amount. */
export function capture(shape: EventShape = {}): NewEvent {
  const eventId = shape.eventId ?? `evt_${randomUUID()}`
  const amountMinor = shape.amountMinor ?? 10_000n
  const body = shape.body ?? Buffer.from(JSON.stringify({ id: eventId, amount: String(amountMinor) }))
  const fact = {
    kind: 'captured' as const,
    merchantRef: `order-${eventId}`,
    gatewayRef: null,
    operationRef: eventId,
    amountMinor,
    currency: 'EGP',
  }
  return newEvent(
    adapter,
    {
      eventId,
      type: shape.type ?? 'payment.captured',
      occurredAt: new Date('2026-11-23T12:00:00.123Z'),
      fact,
      signed: [],
      hold: null,
    },
    {
      gateway: adapter.name,
      account: shape.account ?? 'default',
      requestId: shape.requestId ?? 'req-1',
      signature: 'sig',
      delivery: { body, headers: {}, query: new URLSearchParams() },
    },
  )
}
