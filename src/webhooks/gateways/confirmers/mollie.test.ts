import { describe, expect, it } from 'vitest'
import type { ApiAnswer, ApiRequest } from '../confirm.ts'
import type { JsonObject } from '../kit/body.ts'
import { hintId } from '../kit/hint.ts'
import { mollieConfirmer } from './mollie.ts'

const CREATED = '2026-01-01T09:59:00+00:00'
const PAID = '2026-01-01T10:00:00+00:00'
const LATER = '2026-01-01T11:00:00+00:00'
const payment: JsonObject = {
  resource: 'payment',
  id: 'tr_1',
  status: 'paid',
  amount: { currency: 'EUR', value: '10.00' },
  metadata: { merchant_ref: 'trip-1' },
  createdAt: CREATED,
  paidAt: PAID,
}

const hintAt = (at: string) => hintId('tr_1', Date.parse(at) + 2_000)

async function ask(answer: ApiAnswer, eventId = hintAt(LATER), body = 'id=tr_1') {
  const requests: ApiRequest[] = []
  const call = async (request: ApiRequest) => {
    requests.push(request)
    return answer
  }
  const event = { eventId, type: 'payment', fact: null, body: Buffer.from(body) }
  const confirmation = await mollieConfirmer.ask(event, { settings: { API_KEY: 'live_1' }, call })
  return { confirmation, requests }
}

const answerOf = (change: JsonObject = {}): ApiAnswer => ({ status: 200, body: { ...payment, ...change } })
const part = (id: string, value: string, more: JsonObject = {}) => ({
  id,
  amount: { currency: 'EUR', value },
  createdAt: LATER,
  ...more,
})

it('asks for the payment that the form names, and makes the fact of the answer', async () => {
  const { confirmation, requests } = await ask(answerOf())
  expect(requests).toEqual([
    {
      method: 'GET',
      path: '/v2/payments/tr_1?embed=refunds,chargebacks',
      headers: { authorization: 'Bearer live_1' },
    },
  ])
  expect(confirmation).toEqual({
    kind: 'confirmed',
    fact: {
      kind: 'captured',
      merchantRef: 'trip-1',
      gatewayRef: 'tr_1',
      operationRef: 'tr_1',
      amountMinor: 1_000n,
      currency: 'EUR',
    },
  })
})

it('asks for the payment that a signed event names without holding it', async () => {
  const body = JSON.stringify({ resource: 'event', id: 'event_1', type: 'payment.paid', entityId: 'tr_1' })
  const { confirmation, requests } = await ask(answerOf(), 'event_1', body)
  expect(requests[0]?.path).toBe('/v2/payments/tr_1?embed=refunds,chargebacks')
  expect(confirmation).toMatchObject({ fact: { kind: 'captured' } })
})

describe('the status', () => {
  it.each([
    ['open', 'pending'],
    ['pending', 'pending'],
    ['authorized', 'authorized'],
    ['paid', 'captured'],
    ['failed', 'failed'],
    ['canceled', 'cancelled'],
    ['expired', 'expired'],
  ])('%s is %s', async (status, kind) => {
    expect((await ask(answerOf({ status }))).confirmation).toMatchObject({
      fact: { kind, amountMinor: 1_000n },
    })
  })
})

describe('refunds and chargebacks', () => {
  it('are operations of their own', async () => {
    const refunds = [
      part('re_1', '5.95', { status: 'refunded' }),
      part('re_2', '1.00', { status: 'pending' }),
    ]
    expect((await ask(answerOf({ _embedded: { refunds } }))).confirmation).toMatchObject({
      fact: { kind: 'refunded', operationRef: 're_1', gatewayRef: 'tr_1', amountMinor: 595n },
    })
    const failed = { refunds: [part('re_1', '5.95', { status: 'failed' })] }
    expect((await ask(answerOf({ _embedded: failed }))).confirmation).toMatchObject({
      fact: { kind: 'refund_failed', operationRef: 're_1' },
    })
    const chargebacks = [part('chb_1', '10.00')]
    expect((await ask(answerOf({ _embedded: { chargebacks } }))).confirmation).toMatchObject({
      fact: { kind: 'disputed', operationRef: 'chb_1', amountMinor: 1_000n },
    })
  })

  it('that are reversed are won from then on', async () => {
    const chargebacks = [part('chb_1', '10.00', { reversedAt: '2026-01-02T00:00:00+00:00' })]
    const answer = answerOf({ _embedded: { chargebacks } })
    expect((await ask(answer, hintAt(LATER))).confirmation).toMatchObject({ fact: { kind: 'disputed' } })
    expect((await ask(answer, hintAt('2026-01-02T00:00:00+00:00'))).confirmation).toMatchObject({
      fact: { kind: 'dispute_won', operationRef: 'chb_1' },
    })
  })

  it('do not take the place of the payment whose hint is asked about late', async () => {
    const refunds = [part('re_1', '5.95', { status: 'refunded' })]
    expect((await ask(answerOf({ _embedded: { refunds } }), hintAt(PAID))).confirmation).toMatchObject({
      fact: { kind: 'captured', operationRef: 'tr_1' },
    })
  })

  it('are the newest of all where the hint has no time, and where nothing was before it', async () => {
    const refunds = [part('re_1', '5.95', { status: 'refunded' })]
    for (const eventId of ['tr_1@0', 'tr_1@1'])
      expect((await ask(answerOf({ _embedded: { refunds } }), eventId)).confirmation).toMatchObject({
        fact: { kind: 'refunded' },
      })
  })
})

it.each<[string, ApiAnswer, string]>([
  ['is unknown', { status: 404, body: { status: 404 } }, 'payment_unknown'],
  ['is another', answerOf({ id: 'tr_2' }), 'payment_unknown'],
  ['has another word', answerOf({ status: 'half' }), 'status_unknown'],
  ['has a number for an amount', answerOf({ amount: { currency: 'EUR', value: 10 } }), 'amount_unreadable'],
])('denies a payment that %s', async (_, answer, reason) => {
  expect((await ask(answer)).confirmation).toEqual({ kind: 'denied', reason })
})

it.each(['id=tr_1%2F..', 'id=ord_1', '', '{"entityId":"re_1"}'])('does not ask about %j', async (body) => {
  const { confirmation, requests } = await ask(answerOf(), 'tr_1@1', body)
  expect([confirmation, requests]).toEqual([{ kind: 'denied', reason: 'payment_unknown' }, []])
})

it('what a hint may not have meant goes along: refunds, chargebacks and the capture, and no state before them', async () => {
  const refunds = [
    part('re_1', '1.00', { status: 'refunded' }),
    part('re_2', '2.00', { status: 'refunded', createdAt: '2026-01-01T11:00:01+00:00' }),
    part('re_3', '3.00', { status: 'pending' }),
  ]
  const chargebacks = [part('chb_1', '4.00', { createdAt: '2026-01-01T10:30:00+00:00' })]
  const { confirmation } = await ask(answerOf({ _embedded: { refunds, chargebacks } }))
  expect(confirmation).toMatchObject({
    fact: { kind: 'refunded', operationRef: 're_2' },
    also: [
      { kind: 'captured', operationRef: 'tr_1', amountMinor: 1_000n },
      { kind: 'disputed', operationRef: 'chb_1', amountMinor: 400n },
      { kind: 'refunded', operationRef: 're_1', amountMinor: 100n },
    ],
  })
  expect((await ask(answerOf({ status: 'open' }))).confirmation).not.toHaveProperty('also')
})
