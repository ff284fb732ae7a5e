import { describe, expect, it } from 'vitest'
import type { JsonObject } from './kit/body.ts'
import { signHeaderHmac } from './kit/raw-hmac.ts'
import { PAYSTACK_SIGNATURE, paystack } from './paystack.ts'

const SECRET = 'sk_test_key'
const account = { gateway: 'paystack', account: 'default', secrets: [SECRET], settings: {} }

function eventOf(event: string, data: JsonObject) {
  const body = Buffer.from(JSON.stringify({ event, data }))
  const headers = { 'x-paystack-signature': signHeaderHmac(body, SECRET, PAYSTACK_SIGNATURE) }
  const received = paystack.receive({ body, headers, query: new URLSearchParams() }, account, 0)
  if (received.kind !== 'accepted') throw new Error(JSON.stringify(received))
  return received.events[0] ?? expect.fail('no event')
}

const charge = { id: 302961, status: 'success', reference: 'trip-1', amount: 10000, currency: 'NGN' }

/** As in Paystack's own samples (github.com/PaystackOSS/doc-code-snippets): the amount is a text, and there is no id. */
const refund = {
  status: 'processed',
  transaction_reference: 'trip-1',
  refund_reference: '132013318360',
  amount: '5000',
  currency: 'NGN',
}

const dispute = {
  id: 358950,
  refund_amount: 5800,
  currency: 'NGN',
  status: 'resolved',
  transaction: { id: 896467688, reference: 'trip-1', amount: 5800, currency: 'NGN' },
  transaction_reference: null,
}

describe('refunds', () => {
  it('are read from an amount that is a text', () => {
    const event = eventOf('refund.processed', refund)
    expect(event).toMatchObject({
      hold: null,
      fact: { kind: 'refunded', merchantRef: 'trip-1', operationRef: '132013318360', amountMinor: 5000n },
    })
    expect(event.eventId).toMatch(/^signature:[0-9a-f]{128}$/)
  })

  it('that have an id are one under it, though their reference comes and goes', () => {
    const processed = eventOf('refund.processed', { ...refund, id: '123456' })
    const failed = eventOf('refund.failed', { ...refund, id: 123456, refund_reference: null })
    expect(processed.fact?.operationRef).toBe('123456')
    expect(failed.fact).toMatchObject({ kind: 'refund_failed', operationRef: '123456' })
  })

  it('without either name no operation', () => {
    expect(eventOf('refund.processed', { ...refund, refund_reference: null })).toMatchObject({
      fact: null,
      hold: 'operation_unreadable',
    })
  })

  it.each(['refund.pending', 'refund.processing', 'refund.needs-attention'])('%s moves nothing', (event) => {
    expect(eventOf(event, { ...refund, refund_reference: null })).toMatchObject({ fact: null, hold: null })
  })

  it.each(['50.00', '5e3', '', ' 5000', '-5000', 50.5, null])('hold the amount %j', (amount) => {
    expect(eventOf('refund.processed', { ...refund, amount })).toMatchObject({ hold: 'amount_unreadable' })
  })
})

describe('charges', () => {
  it.each<[unknown, string, bigint]>([
    [10000, 'NGN', 10000n],
    ['5000', 'NGN', 5000n],
    [150000, 'XOF', 1500n],
    [150000, 'RWF', 1500n],
    [1500, 'KES', 1500n],
  ])('%j %s are %s minor units', (amount, currency, amountMinor) => {
    expect(eventOf('charge.success', { ...charge, amount, currency }).fact?.amountMinor).toBe(amountMinor)
  })

  it('hold a part of a franc', () => {
    expect(eventOf('charge.success', { ...charge, amount: 150050, currency: 'XOF' })).toMatchObject({
      hold: 'amount_unreadable',
    })
  })
})

describe('disputes', () => {
  it.each<[string, string | null, string]>([
    ['charge.dispute.create', null, 'disputed'],
    ['charge.dispute.resolve', 'merchant-accepted', 'dispute_lost'],
    ['charge.dispute.resolve', 'auto-accepted', 'dispute_lost'],
    ['charge.dispute.resolve', 'declined', 'dispute_won'],
  ])('%s, %s: %s', (event, resolution, kind) => {
    expect(eventOf(event, { ...dispute, resolution }).fact).toMatchObject({
      kind,
      merchantRef: 'trip-1',
      operationRef: '358950',
      amountMinor: 5800n,
    })
  })

  it.each(['archived', null, undefined])('hold the end %j, which may have taken money', (resolution) => {
    expect(eventOf('charge.dispute.resolve', { ...dispute, resolution })).toMatchObject({
      fact: null,
      hold: 'status_unknown',
    })
  })

  it('remind of nothing new', () => {
    expect(eventOf('charge.dispute.remind', { ...dispute, resolution: null })).toMatchObject({
      fact: null,
      hold: null,
    })
  })
})

describe('preauthorizations', () => {
  /** As in Paystack's own samples: what was captured is a text, and the charge's id stands beside it. */
  const reserved = {
    id: 3099,
    reference: 'trip-1',
    amount: 1000,
    currency: 'ZAR',
    transaction_id: null,
    captured_amount: null,
  }
  const captured = { ...reserved, transaction_id: '1504264401', captured_amount: '900' }

  it.each<[string, JsonObject, string, string, bigint]>([
    ['preauthorization.reserve.success', reserved, 'authorized', '3099', 1000n],
    ['preauthorization.capture.success', captured, 'captured', '1504264401', 900n],
    ['preauthorization.release.success', reserved, 'cancelled', '3099', 1000n],
  ])('%s', (event, data, kind, operationRef, amountMinor) => {
    expect(eventOf(event, data)).toMatchObject({
      eventId: `${event}:3099`,
      hold: null,
      fact: { kind, merchantRef: 'trip-1', operationRef, amountMinor },
    })
  })

  it('are one operation with the charge, should that be told too', () => {
    const charged = eventOf('charge.success', { ...charge, id: 1504264401, amount: 900, currency: 'ZAR' })
    expect(eventOf('preauthorization.capture.success', captured).fact).toEqual(charged.fact)
  })

  it.each(['capture.failed', 'release.failed'])('stay where they are after %s', (what) => {
    expect(eventOf(`preauthorization.${what}`, captured)).toMatchObject({ fact: null, hold: null })
  })

  it('captured without a charge are held', () => {
    expect(eventOf('preauthorization.capture.success', { ...captured, transaction_id: null })).toMatchObject({
      hold: 'operation_unreadable',
    })
  })
})

describe('a list for data', () => {
  const list = [charge] as unknown as JsonObject

  it('of cards that expire is nothing about a payment', () => {
    expect(eventOf('subscription.expiring_cards', list)).toMatchObject({
      type: 'subscription.expiring_cards',
      fact: null,
      hold: null,
      eventId: expect.stringMatching(/^signature:/),
    })
  })

  it.each(['charge.success', 'refund.processed', 'preauthorization.capture.success'])(
    'of %s is held',
    (event) => {
      expect(eventOf(event, list)).toMatchObject({ fact: null, hold: 'body_unreadable' })
    },
  )
})
