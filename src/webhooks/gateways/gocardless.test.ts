import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { GatewayAccount, GatewayEvent, Received } from './adapter.ts'
import { GOCARDLESS_SIGNATURE, gocardless } from './gocardless.ts'
import type { JsonObject } from './kit/body.ts'
import { signHeaderHmac } from './kit/raw-hmac.ts'

const SECRET = 'ED7D658C-D8EB-4941-948B-3973214F2D49'
const account: GatewayAccount = {
  gateway: 'gocardless',
  account: 'default',
  secrets: [SECRET],
  settings: {},
}

function receive(text: string, signedText = text): Received {
  const headers = {
    'webhook-signature': signHeaderHmac(Buffer.from(signedText), SECRET, GOCARDLESS_SIGNATURE),
  }
  return gocardless.receive({ body: Buffer.from(text), headers, query: new URLSearchParams() }, account, null)
}

function eventsOf(...events: readonly unknown[]): readonly GatewayEvent[] {
  const received = receive(JSON.stringify({ events }))
  if (received.kind !== 'accepted') throw new Error(JSON.stringify(received))
  return received.events
}

function payment(action: string, change: JsonObject = {}): JsonObject {
  const links = { payment: 'PM1' }
  return {
    id: 'EV1',
    created_at: '2026-01-01T10:11:12.404Z',
    resource_type: 'payments',
    action,
    links,
    ...change,
  }
}

describe('actions of payments', () => {
  it.each([
    ['created', 'pending', 'PM1'],
    ['customer_approval_granted', 'pending', 'PM1'],
    ['submitted', 'pending', 'PM1'],
    ['resubmission_requested', 'pending', 'PM1'],
    ['cancelled', 'cancelled', 'PM1'],
    ['customer_approval_denied', 'cancelled', 'PM1'],
    ['chargeback_cancelled', 'dispute_won', 'chargeback:PM1'],
    ['chargeback_settled', 'dispute_lost', 'chargeback:PM1'],
  ])('%s is %s and needs no amount', (action, kind, operationRef) => {
    expect(eventsOf(payment(action))).toMatchObject([
      {
        eventId: 'EV1',
        type: `payments.${action}`,
        occurredAt: new Date('2026-01-01T10:11:12.404Z'),
        hold: null,
        fact: { kind, merchantRef: null, gatewayRef: 'PM1', operationRef, amountMinor: null, currency: null },
      },
    ])
  })

  it.each(['confirmed', 'charged_back'])(
    '%s moves money of which the event says no amount: a hint',
    (action) => {
      expect(eventsOf(payment(action))).toMatchObject([{ fact: null, hold: null, isHint: true }])
      // Whatever an amount in the body says, it is none of GoCardless.
      expect(eventsOf(payment(action, { amount: 1, currency: 'GBP' }))).toMatchObject([
        { fact: null, isHint: true },
      ])
    },
  )

  it('failed is a hint: a payment may fail after it was confirmed, and the event does not say which it was', () => {
    expect(eventsOf(payment('failed'))).toMatchObject([{ fact: null, hold: null, isHint: true }])
  })

  it.each(['paid_out', 'surcharge_fee_debited', 'something_new'])('%s says nothing', (action) => {
    const [event] = eventsOf(payment(action))
    expect(event).toMatchObject({ fact: null, hold: null })
    expect(event?.isHint).toBeUndefined()
  })

  it('holds a late failure that was settled: money went back, which no fact describes', () => {
    expect(eventsOf(payment('late_failure_settled'))).toMatchObject([{ fact: null, hold: 'event_unknown' }])
  })

  it('finds the payment by the metadata too, where the account sends them', () => {
    const [event] = eventsOf(payment('cancelled', { resource_metadata: { merchant_ref: 'trip-1' } }))
    expect(event?.fact).toMatchObject({ merchantRef: 'trip-1', gatewayRef: 'PM1' })
  })

  it('holds what names no payment', () => {
    expect(eventsOf(payment('cancelled', { links: {} }))).toMatchObject([{ hold: 'reference_missing' }])
  })
})

describe('other resources', () => {
  it.each(['paid', 'failed', 'funds_returned'])(
    'a refund that is %s is a hint: its payment is asked for',
    (action) => {
      const refund = payment(action, { resource_type: 'refunds', links: { refund: 'RF1' } })
      expect(eventsOf(refund)).toMatchObject([{ type: `refunds.${action}`, fact: null, isHint: true }])
    },
  )

  it.each([
    ['mandates', 'failed'],
    ['subscriptions', 'created'],
    ['payouts', 'paid'],
    ['refunds', 'created'],
  ])('%s %s are nothing about a payment', (resource_type, action) => {
    expect(eventsOf(payment(action, { resource_type }))).toMatchObject([{ fact: null, hold: null }])
  })
})

describe('one delivery', () => {
  it('holds several events, each with its own id, and one that cannot be read spoils no other', () => {
    const events = eventsOf(payment('failed'), null, payment('cancelled', { id: 'EV2' }), { id: 7 })
    expect(events.map(({ eventId }) => eventId.replace(/[0-9a-f]{64}/, 'hex'))).toEqual([
      'EV1',
      'signature:hex:1',
      'EV2',
      'signature:hex:3',
    ])
    expect(events.map(({ hold }) => hold)).toEqual([null, 'body_unreadable', null, 'body_unreadable'])
  })

  it('without events is taken, and with too many is held as one', () => {
    expect(eventsOf()).toEqual([])
    const many = Array.from({ length: 1_001 }, (_, index) => payment('failed', { id: `EV${index}` }))
    expect(eventsOf(...many)).toMatchObject([{ hold: 'body_unreadable' }])
  })

  it('is refused when it is printed prettily: the bytes are signed', () => {
    const compact = JSON.stringify({ events: [payment('failed')] })
    const pretty = JSON.stringify({ events: [payment('failed')] }, null, 2)
    expect(receive(pretty, compact)).toMatchObject({ kind: 'refused', code: 'signature_invalid' })
    const url = new URL('../../../test/vectors/gocardless.json', import.meta.url)
    const vectors = JSON.parse(readFileSync(url, 'utf8'))
    expect(JSON.parse(vectors[1].body)).toEqual(JSON.parse(vectors[0].body))
  })

  it('that is signed wrongly is answered with 498, as GoCardless asks', () => {
    expect(gocardless.refusalStatus).toBe(498)
  })
})
