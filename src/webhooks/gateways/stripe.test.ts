import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { FactKind } from '../../payments/fact.ts'
import type { GatewayAccount, GatewayEvent } from './adapter.ts'
import { buildDelivery } from './samples/samples.ts'
import { signStripe } from './samples/stripe.ts'
import { stripe } from './stripe.ts'

const NOW_MS = 1_790_000_000_000
const NOW = NOW_MS / 1000
const SECRET = 'whsec_c2VjcmV0IHRoYXQgaXMgbm90IGRlY29kZWQ'
const account: GatewayAccount = {
  gateway: 'stripe',
  account: 'default',
  secrets: ['old', SECRET],
  settings: {},
}
const BODY = Buffer.from(JSON.stringify({ id: 'evt_1', type: 'charge.succeeded', data: { object: {} } }))

function receive(
  body: Buffer | string,
  header: string | undefined,
  secrets = account.secrets,
  nowMs = NOW_MS,
) {
  const headers = { 'stripe-signature': header }
  return stripe.receive(
    { body: Buffer.from(body), headers, query: new URLSearchParams() },
    { ...account, secrets },
    nowMs,
  )
}

function hexOf(body: Buffer | string, at = NOW, secret: string | Buffer = SECRET): string {
  return createHmac('sha256', secret).update(`${at}.`).update(body).digest('hex')
}

function eventOf(type: string, object: unknown): GatewayEvent {
  const body = Buffer.from(JSON.stringify({ id: 'evt_1', type, created: NOW, data: { object } }))
  const received = receive(body, signStripe(body, NOW, SECRET))
  if (received.kind !== 'accepted') throw new Error(JSON.stringify(received))
  return received.events[0] ?? expect.fail('no event')
}

const intent = {
  id: 'pi_1',
  amount: 1000,
  amount_capturable: 900,
  amount_received: 800,
  currency: 'usd',
  latest_charge: 'ch_1',
  metadata: { merchant_ref: 'trip-1' },
}
const operation = { id: 're_1', amount: 300, currency: 'usd', payment_intent: 'pi_1', metadata: {} }

describe('the signature', () => {
  it('takes the secret as it is written: its base64 is not decoded', () => {
    const decoded = hexOf(BODY, NOW, Buffer.from(SECRET.slice('whsec_'.length), 'base64'))
    expect(receive(BODY, `t=${NOW},v1=${decoded}`)).toMatchObject({ code: 'signature_invalid' })
    expect(receive(BODY, `t=${NOW},v1=${hexOf(BODY)}`)).toMatchObject({ kind: 'accepted', secretIndex: 1 })
  })

  it('matches any of several v1 and reports the one that matched', () => {
    const header = `t=${NOW},v1=${'0'.repeat(64)},v1=${hexOf(BODY)},v1=short`
    expect(receive(BODY, header)).toMatchObject({ kind: 'accepted', signature: hexOf(BODY) })
  })

  it.each(['v0', 'v2', 'V1', ' v1', 'v1a'])('ignores a right signature under the label %j', (label) => {
    expect(receive(BODY, `t=${NOW},${label}=${hexOf(BODY)}`)).toMatchObject({ code: 'signature_invalid' })
  })

  it.each([
    [301, 'signature_expired'],
    [-301, 'signature_expired'],
    [86_400 * 365, 'signature_expired'],
  ])('refuses a clock %s s away', (shift, code) => {
    const at = NOW + shift
    expect(receive(BODY, signStripe(BODY, at, SECRET))).toMatchObject({ kind: 'refused', code })
  })

  it.each([300, -300, 0])('accepts a clock %s s away', (shift) => {
    expect(receive(BODY, signStripe(BODY, NOW + shift, SECRET)).kind).toBe('accepted')
  })

  it('calls a forged old delivery forged, not old', () => {
    expect(receive(BODY, `t=1,v1=${'0'.repeat(64)}`)).toMatchObject({ code: 'signature_invalid' })
  })

  it.each([
    ['no header', undefined, 'signature_missing'],
    ['an empty header', '', 'signature_missing'],
    ['no timestamp', `v1=${hexOf(BODY)}`, 'signature_invalid'],
    ['two timestamps', `t=${NOW - 9999},t=${NOW},v1=${hexOf(BODY)}`, 'signature_invalid'],
    ['a timestamp with a tail', `t=${NOW}x,v1=${hexOf(BODY)}`, 'signature_invalid'],
    [
      'NaN as the timestamp',
      `t=NaN,v1=${createHmac('sha256', SECRET).update('NaN.').update(BODY).digest('hex')}`,
      'signature_invalid',
    ],
    ['v1 without a value', `t=${NOW},v1`, 'signature_invalid'],
    [
      'the header twice',
      `${signStripe(BODY, NOW, SECRET)}, ${signStripe(BODY, NOW, SECRET)}`,
      'signature_invalid',
    ],
    ['a header of a megabyte', `t=${NOW},v1=${hexOf(BODY)}${',v1=0'.repeat(200_000)}`, 'signature_invalid'],
  ])('answers %s', (_, header, answer) => {
    const received = receive(BODY, header)
    expect(received.kind === 'refused' ? received.code : received.kind).toBe(answer)
  })

  it('signs bytes: a byte order mark or another invalid byte is not the same body', () => {
    const replaced = Buffer.from('{"id":"evt_1","type":"\ufffd"}')
    const invalid = Buffer.from('{"id":"evt_1","type":"\xff"}', 'latin1')
    expect(receive(invalid, signStripe(replaced, NOW, SECRET))).toMatchObject({ code: 'signature_invalid' })
    const marked = Buffer.concat([Buffer.from('\ufeff'), BODY])
    expect(receive(marked, signStripe(BODY, NOW, SECRET))).toMatchObject({ code: 'signature_invalid' })
  })
})

describe('the body', () => {
  it('is judged only after the signature', () => {
    expect(receive('not json', `t=${NOW},v1=${'0'.repeat(64)}`)).toMatchObject({ code: 'signature_invalid' })
  })

  it.each([
    ['not json', 'malformed_body'],
    ['[]', 'malformed_body'],
    ['null', 'malformed_body'],
    ['\ufeff{"id":"evt_1","type":"a"}', 'malformed_body'],
    ['{"type":"a"}', 'event_id_missing'],
    ['{"id":"","type":"a"}', 'event_id_missing'],
    ['{"id":7,"type":"a"}', 'malformed_body'],
    [`{"id":"${'e'.repeat(256)}","type":"a"}`, 'malformed_body'],
    [`{"id":"${'é'.repeat(128)}","type":"a"}`, 'malformed_body'],
    ['{"id":"\\ud800","type":"a"}', 'malformed_body'],
    ['{"id":"evt_1"}', 'malformed_body'],
    ['{"id":"evt_1","type":["a"]}', 'malformed_body'],
    ['{"__proto__":{"id":"evt_1","type":"a"}}', 'event_id_missing'],
  ])('%j is refused', (text, code) => {
    const body = Buffer.from(text)
    expect(receive(body, signStripe(body, NOW, SECRET))).toMatchObject({ kind: 'refused', code })
  })

  it('may be no UTF-8 under a right signature, and is malformed then', () => {
    const body = Buffer.from('{"id":"evt_1","type":"\xff"}', 'latin1')
    expect(receive(body, signStripe(body, NOW, SECRET))).toMatchObject({ code: 'malformed_body' })
  })
})

describe('the facts', () => {
  it.each<[string, object, FactKind, string, bigint]>([
    ['payment_intent.processing', intent, 'pending', 'ch_1', 1000n],
    ['payment_intent.amount_capturable_updated', intent, 'authorized', 'ch_1', 900n],
    ['payment_intent.succeeded', intent, 'captured', 'ch_1', 800n],
    ['payment_intent.succeeded', { ...intent, latest_charge: { id: 'ch_2' } }, 'captured', 'ch_2', 800n],
    ['payment_intent.succeeded', { ...intent, latest_charge: null }, 'captured', 'pi_1', 800n],
    ['payment_intent.payment_failed', intent, 'failed', 'ch_1', 1000n],
    ['payment_intent.canceled', intent, 'cancelled', 'ch_1', 1000n],
    ['refund.created', { ...operation, status: 'succeeded' }, 'refunded', 're_1', 300n],
    ['refund.updated', { ...operation, status: 'succeeded' }, 'refunded', 're_1', 300n],
    ['charge.refund.updated', { ...operation, status: 'succeeded' }, 'refunded', 're_1', 300n],
    ['refund.updated', { ...operation, status: 'canceled' }, 'refund_failed', 're_1', 300n],
    ['refund.failed', { ...operation, status: 'failed' }, 'refund_failed', 're_1', 300n],
    ['charge.dispute.created', { ...operation, status: 'needs_response' }, 'disputed', 're_1', 300n],
    ['charge.dispute.funds_withdrawn', { ...operation, status: 'needs_response' }, 'disputed', 're_1', 300n],
    ['charge.dispute.closed', { ...operation, status: 'won' }, 'dispute_won', 're_1', 300n],
    ['charge.dispute.closed', { ...operation, status: 'lost' }, 'dispute_lost', 're_1', 300n],
  ])('%s is read', (type, object, kind, operationRef, amountMinor) => {
    const { fact, hold } = eventOf(type, object)
    expect(hold).toBeNull()
    expect(fact).toMatchObject({ kind, gatewayRef: 'pi_1', operationRef, amountMinor, currency: 'USD' })
  })

  it('finds the payment by metadata.merchant_ref and by the PaymentIntent, expanded or not', () => {
    expect(eventOf('payment_intent.succeeded', intent).fact?.merchantRef).toBe('trip-1')
    const expanded = { ...operation, status: 'succeeded', payment_intent: { id: 'pi_9' } }
    expect(eventOf('refund.created', expanded).fact).toMatchObject({ merchantRef: null, gatewayRef: 'pi_9' })
  })

  it.each([
    ['charge.succeeded', intent],
    ['charge.refunded', intent],
    ['charge.captured', intent],
    ['payment_intent.created', intent],
    ['refund.created', { ...operation, status: 'pending' }],
    ['refund.updated', { ...operation, status: 'requires_action' }],
    ['charge.dispute.created', { ...operation, status: 'warning_needs_response' }],
    ['charge.dispute.closed', { ...operation, status: 'warning_closed' }],
    ['toString', intent],
  ])('%s carries no fact: counting it would count twice, or nothing has moved', (type, object) => {
    expect(eventOf(type, object)).toMatchObject({ fact: null, hold: null })
  })

  it.each([
    [{ ...intent, amount_received: undefined }, 'amount_unreadable'],
    [{ ...intent, amount_received: 0 }, 'amount_unreadable'],
    [{ ...intent, amount_received: -5 }, 'amount_unreadable'],
    [{ ...intent, amount_received: 1.5 }, 'amount_unreadable'],
    [{ ...intent, amount_received: '800' }, 'amount_unreadable'],
    [{ ...intent, amount_received: 2 ** 60 }, 'amount_unreadable'],
    [{ ...intent, amount_received: 1e15 + 1 }, 'amount_unreadable'],
    [{ ...intent, currency: 'xxx' }, 'currency_unknown'],
    [{ ...intent, currency: null }, 'currency_unknown'],
    [{ ...intent, id: undefined, metadata: {} }, 'reference_missing'],
    [{ ...intent, metadata: { merchant_ref: 'x'.repeat(256) } }, 'reference_unreadable'],
    [{ ...intent, latest_charge: ['ch'] }, 'operation_unreadable'],
    ['nothing', 'object_unreadable'],
  ])('a signed event is held, never lost: %j', (object, hold) => {
    expect(eventOf('payment_intent.succeeded', object)).toMatchObject({ fact: null, hold })
  })

  it.each([
    ['isk', 500, 5n],
    ['ugx', 500, 5n],
    ['isk', 550, null],
    ['mga', 7, 700n],
    ['jpy', 500, 500n],
    ['kwd', 1500, 1500n],
    ['huf', 500, 500n],
  ])('%s %s is counted as Stripe counts it', (currency, amount_received, amountMinor) => {
    const { fact } = eventOf('payment_intent.succeeded', { ...intent, currency, amount_received })
    expect(fact?.amountMinor ?? null).toBe(amountMinor)
  })

  it('keeps a fact that moves no money when its amount is odd', () => {
    const { fact } = eventOf('payment_intent.payment_failed', { ...intent, amount: 'much' })
    expect(fact).toMatchObject({ kind: 'failed', amountMinor: null, currency: null })
  })

  it('refuses to build a sample that Stripe could not send', () => {
    const spec = {
      kind: 'expired',
      merchantRef: 'a',
      operationRef: 'b',
      amountMinor: 1n,
      currency: 'USD',
    } as const
    expect(() => buildDelivery('stripe', { ...spec, nowMs: NOW_MS, secret: SECRET })).toThrow(RangeError)
  })
})
