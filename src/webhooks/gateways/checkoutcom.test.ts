import { describe, expect, it } from 'vitest'
import type { GatewayAccount, GatewayEvent } from './adapter.ts'
import { CHECKOUTCOM_EXPONENTS, CHECKOUTCOM_SIGNATURE, checkoutcom } from './checkoutcom.ts'
import { gatewayUnits } from './kit/amount.ts'
import type { JsonObject } from './kit/body.ts'
import { signHeaderHmac } from './kit/raw-hmac.ts'

const SECRET = 'cko-signature-key'
const account: GatewayAccount = {
  gateway: 'checkoutcom',
  account: 'default',
  secrets: [SECRET],
  settings: {},
}
const payment: JsonObject = {
  id: 'pay_1',
  action_id: 'act_1',
  reference: 'trip-1',
  amount: 30_500,
  currency: 'KWD',
}
const dispute: JsonObject = {
  id: 'dsp_1',
  payment_id: 'pay_1',
  payment_action_id: 'act_1',
  payment_reference: 'trip-1',
  amount: 8_150,
  currency: 'GBP',
}

function eventOf(type: unknown, data: unknown, more: JsonObject = {}): GatewayEvent {
  const body = Buffer.from(JSON.stringify({ id: 'evt_1', type, data, ...more }))
  const headers = { 'cko-signature': signHeaderHmac(body, SECRET, CHECKOUTCOM_SIGNATURE) }
  const received = checkoutcom.receive({ body, headers, query: new URLSearchParams() }, account, null)
  if (received.kind !== 'accepted') throw new Error(JSON.stringify(received))
  return received.events[0] ?? expect.fail('no event')
}

describe('types of payments, by the words of the documents', () => {
  it.each([
    ['payment_pending', 'pending', 'needs the customer to do something'],
    ['payment_declined', 'failed', 'an authorization is declined'],
    ['payment_authentication_failed', 'failed', 'the customer did not authenticate'],
    ['payment_canceled', 'cancelled', 'a payment is canceled before it was authorized'],
    ['payment_voided', 'cancelled', 'an authorization is given back'],
    ['payment_expired', 'expired', 'a payment expires'],
    ['payment_refund_declined', 'refund_failed', 'a refund is declined'],
  ])('%s is %s: %s', (type, kind) => {
    expect(eventOf(type, payment)).toMatchObject({
      type,
      hold: null,
      fact: { kind, merchantRef: 'trip-1', gatewayRef: 'pay_1', operationRef: 'act_1', currency: 'KWD' },
    })
  })

  it.each([
    ['payment_paid', 'payout_paid'],
    ['payment_returned', 'payout_returned'],
  ])('%s is about a payout', (type, kind) => {
    expect(eventOf(type, payment).fact).toMatchObject({
      kind,
      gatewayRef: null,
      operationRef: payment.id,
      merchantRef: payment.reference,
    })
  })

  it.each([
    'payment_capture_pending',
    'payment_capture_declined',
    'payment_refund_pending',
    'payment_void_declined',
    'card_verified',
    'something_new',
  ])('%s says nothing about the state of a payment', (type) => {
    expect(eventOf(type, payment)).toMatchObject({ fact: null, hold: null })
  })

  it('counts two captures of one payment, and a refund of it, as three operations', () => {
    const operations = [
      eventOf('payment_captured', payment),
      eventOf('payment_captured', { ...payment, action_id: 'act_2' }),
      eventOf('payment_refunded', { ...payment, action_id: 'act_3' }),
    ].map(({ fact }) => fact?.operationRef)
    expect(new Set(operations).size).toBe(3)
  })

  it('finds the payment by its id where there is no reference of ours', () => {
    for (const reference of [null, '', undefined])
      expect(eventOf('payment_captured', { ...payment, reference }).fact).toMatchObject({
        merchantRef: null,
        gatewayRef: 'pay_1',
      })
  })
})

describe('types of disputes, by the words of the documents', () => {
  it.each([
    ['dispute_received', 'disputed', 'a dispute came'],
    ['dispute_evidence_required', 'disputed', 'your account has been debited the disputed amount'],
    ['dispute_won', 'dispute_won', 'your account has been credited back the disputed amount'],
    ['dispute_arbitration_won', 'dispute_won', 'the scheme decided for you'],
    ['dispute_canceled', 'dispute_won', 'canceled by the issuing bank, and credited back'],
    ['dispute_lost', 'dispute_lost', 'the issuing bank has rejected your evidence'],
    ['dispute_arbitration_lost', 'dispute_lost', 'the scheme decided against you'],
    ['dispute_accepted', 'dispute_lost', 'you accepted it'],
  ])('%s is %s: %s', (type, kind) => {
    expect(eventOf(type, dispute).fact).toEqual({
      kind,
      merchantRef: 'trip-1',
      gatewayRef: 'pay_1',
      operationRef: 'dsp_1',
      amountMinor: 8_150n,
      currency: 'GBP',
    })
  })

  it.each([
    'dispute_evidence_submitted',
    'dispute_evidence_acknowledged_by_scheme',
    'dispute_arbitration_sent_to_scheme',
  ])('%s moves nothing', (type) => {
    expect(eventOf(type, dispute)).toMatchObject({ fact: null, hold: null })
  })

  it('dispute_resolved after a refund of ours gives the held money back: that refund took it', () => {
    for (const more of [{}, { resolved_reason: 'already_refunded' }])
      expect(eventOf('dispute_resolved', { ...dispute, ...more }).fact?.kind).toBe('dispute_won')
  })

  it.each(['rapid_dispute_resolution', 'negative_amount', 'something_new', null])(
    'dispute_resolved by %s is held: rapid dispute resolution refunds the customer with our money, and no refund is told',
    (resolved_reason) => {
      const event = eventOf('dispute_resolved', { ...dispute, resolved_reason })
      expect([event.fact, event.hold]).toEqual([null, 'event_unknown'])
    },
  )
})

describe('amounts', () => {
  it.each([
    ['KWD', 30_500, 30_500n],
    ['EUR', 2_050, 2_050n],
    ['JPY', 500, 500n],
    ['CLP', 150_000, 1_500n],
  ])('%s %s', (currency, amount, amountMinor) => {
    expect(eventOf('payment_captured', { ...payment, amount, currency }).fact).toMatchObject({
      amountMinor,
      currency,
    })
    expect(gatewayUnits(amountMinor, currency, CHECKOUTCOM_EXPONENTS)).toBe(amount)
  })

  it.each<[string, JsonObject, string]>([
    ['a fraction', { amount: 20.5 }, 'amount_unreadable'],
    ['a text', { amount: '2050' }, 'amount_unreadable'],
    ['nothing', { amount: 0 }, 'amount_unreadable'],
    ['a fraction of a peso', { amount: 150_050, currency: 'CLP' }, 'amount_unreadable'],
    ['a currency in lower case', { currency: 'eur' }, 'currency_unknown'],
  ])('holds a capture of %s', (_, change, hold) => {
    expect(eventOf('payment_captured', { ...payment, ...change })).toMatchObject({ fact: null, hold })
  })
})

describe('what is signed and odd', () => {
  it('keeps it, held', () => {
    expect(eventOf('payment_captured', null).hold).toBe('object_unreadable')
    expect(eventOf(1, payment)).toMatchObject({
      hold: 'body_unreadable',
      eventId: expect.stringMatching(/^signature:[0-9a-f]{64}$/),
    })
  })

  it('takes the time from the new and from the old form', () => {
    const at = '2026-01-01T10:11:12Z'
    expect(eventOf('payment_captured', payment, { timestamp: at }).occurredAt).toEqual(new Date(at))
    expect(eventOf('payment_captured', payment, { created_on: at }).occurredAt).toEqual(new Date(at))
  })
})
