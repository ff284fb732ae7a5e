import { describe, expect, it } from 'vitest'
import type { ApiAnswer, ApiRequest, EventInDoubt } from '../confirm.ts'
import type { JsonObject } from '../kit/body.ts'
import { gocardlessConfirmer } from './gocardless.ts'

function inDoubt(resource_type: string, action: string, links: JsonObject): EventInDoubt {
  const events = [
    { id: 'EV0', resource_type: 'payments', action: 'confirmed', links: { payment: 'PM0' } },
    { id: 'EV1', resource_type, action, links },
  ]
  const body = Buffer.from(JSON.stringify({ events }))
  return { eventId: 'EV1', type: `${resource_type}.${action}`, fact: null, body }
}

async function ask(event: EventInDoubt, answer: ApiAnswer) {
  const requests: ApiRequest[] = []
  const call = async (request: ApiRequest) => {
    requests.push(request)
    return answer
  }
  const confirmation = await gocardlessConfirmer.ask(event, { settings: { ACCESS_TOKEN: 'live_1' }, call })
  return { confirmation, requests }
}

const paymentOf = (change: JsonObject = {}): ApiAnswer => {
  const payments = {
    id: 'PM1',
    amount: 1_000,
    currency: 'GBP',
    status: 'confirmed',
    metadata: { merchant_ref: 'trip-1' },
    ...change,
  }
  return { status: 200, body: { payments } }
}
const confirmed = inDoubt('payments', 'confirmed', { payment: 'PM1' })

describe('a payment', () => {
  it('is asked for by its id, and the amount is what the API says', async () => {
    const { confirmation, requests } = await ask(confirmed, paymentOf())
    expect(requests).toEqual([
      {
        method: 'GET',
        path: '/payments/PM1',
        headers: { authorization: 'Bearer live_1', 'gocardless-version': '2015-07-06' },
      },
    ])
    expect(confirmation).toEqual({
      kind: 'confirmed',
      fact: {
        kind: 'captured',
        merchantRef: 'trip-1',
        gatewayRef: 'PM1',
        operationRef: 'PM1',
        amountMinor: 1_000n,
        currency: 'GBP',
      },
    })
  })

  it('that was charged back is disputed as a whole', async () => {
    const event = inDoubt('payments', 'charged_back', { payment: 'PM1' })
    expect((await ask(event, paymentOf({ status: 'charged_back' }))).confirmation).toMatchObject({
      fact: { kind: 'disputed', operationRef: 'chargeback:PM1', amountMinor: 1_000n },
    })
  })

  it.each(['confirmed', 'paid_out', 'charged_back'])(
    'was captured when its status is %s now',
    async (status) => {
      expect((await ask(confirmed, paymentOf({ status }))).confirmation.kind).toBe('confirmed')
    },
  )

  it.each(['pending_customer_approval', 'pending_submission', 'submitted'])(
    'that is %s is waited for',
    async (status) => {
      expect((await ask(confirmed, paymentOf({ status }))).confirmation).toEqual({ kind: 'waiting' })
    },
  )

  it.each<[string, ApiAnswer, string]>([
    ['failed', paymentOf({ status: 'failed' }), 'status_differs'],
    ['cancelled', paymentOf({ status: 'cancelled' }), 'status_differs'],
    ['unknown', { status: 404, body: {} }, 'payment_unknown'],
    ['another', paymentOf({ id: 'PM2' }), 'payment_unknown'],
    ['unreadable', { status: 200, body: null }, 'payment_unknown'],
    ['without an amount', paymentOf({ amount: '10.00' }), 'amount_unreadable'],
  ])('that is %s is denied', async (_, answer, reason) => {
    expect((await ask(confirmed, answer)).confirmation).toEqual({ kind: 'denied', reason })
  })

  it('whose id is odd stays in its place of the path', async () => {
    const { requests } = await ask(inDoubt('payments', 'confirmed', { payment: '../x?y=1' }), paymentOf())
    expect(requests[0]?.path).toBe('/payments/..%2Fx%3Fy%3D1')
  })
})

describe('a payment that failed', () => {
  const at = '2026-01-03T10:11:12.404Z'
  const failed: EventInDoubt = {
    eventId: 'EV1',
    type: 'payments.failed',
    fact: null,
    body: Buffer.from(
      JSON.stringify({
        events: [
          {
            id: 'EV1',
            resource_type: 'payments',
            action: 'failed',
            links: { payment: 'PM1' },
            created_at: at,
            resource_metadata: { merchant_ref: 'trip-1' },
          },
        ],
      }),
    ),
  }
  const listed = (events: readonly JsonObject[]): ApiAnswer => ({ status: 200, body: { events } })
  const confirmation = { resource_type: 'payments', action: 'confirmed', links: { payment: 'PM1' } }

  it('is asked whether it had been confirmed before', async () => {
    const { requests, confirmation } = await ask(failed, listed([]))
    expect(requests.map(({ path }) => path)).toEqual(['/events?payment=PM1&action=confirmed'])
    expect(confirmation).toEqual({
      kind: 'confirmed',
      fact: {
        kind: 'failed',
        merchantRef: 'trip-1',
        gatewayRef: 'PM1',
        operationRef: 'PM1',
        amountMinor: null,
        currency: null,
      },
    })
  })

  it('after it was confirmed is a late failure: captured money that is gone, for a person', async () => {
    const { confirmation: said } = await ask(failed, listed([{ ...confirmation, id: 'EV0', created_at: at }]))
    expect(said).toEqual({ kind: 'denied', reason: 'failed_after_confirmed' })
  })

  it('and was confirmed at another try is no late failure', async () => {
    const later = { ...confirmation, created_at: '2026-01-05T00:00:00.000Z' }
    expect((await ask(failed, listed([later]))).confirmation.kind).toBe('confirmed')
    const unknown = { ...confirmation, created_at: 'soon' }
    expect((await ask(failed, listed([later, unknown]))).confirmation.kind).toBe('denied')
  })

  it('is told by events of this payment alone', async () => {
    const others = [
      { ...confirmation, links: { payment: 'PM2' } },
      { ...confirmation, action: 'failed' },
      { ...confirmation, resource_type: 'refunds' },
    ]
    expect((await ask(failed, listed(others))).confirmation.kind).toBe('confirmed')
  })

  it.each<[string, ApiAnswer]>([
    ['another status', { status: 400, body: {} }],
    ['no list', { status: 200, body: {} }],
  ])('is asked about again after %s', async (_, answer) => {
    expect((await ask(failed, answer)).confirmation).toEqual({ kind: 'waiting' })
  })
})

describe('a refund', () => {
  const refunds = { id: 'RF1', amount: 150, currency: 'GBP', links: { payment: 'PM1' } }

  it.each([
    ['paid', 'refunded'],
    ['failed', 'refund_failed'],
    ['funds_returned', 'refund_failed'],
  ])('that is %s is %s, and the API names its payment', async (action, kind) => {
    const event = inDoubt('refunds', action, { refund: 'RF1' })
    const { confirmation, requests } = await ask(event, { status: 200, body: { refunds } })
    expect(requests[0]?.path).toBe('/refunds/RF1')
    expect(confirmation).toMatchObject({
      fact: { kind, gatewayRef: 'PM1', operationRef: 'RF1', amountMinor: 150n, currency: 'GBP' },
    })
  })
})

it('asks nothing about an event that is not in the body, or needs no asking', async () => {
  for (const event of [
    { ...confirmed, eventId: 'EV9' },
    { ...confirmed, body: Buffer.from('no json') },
    inDoubt('payments', 'cancelled', { payment: 'PM1' }),
  ]) {
    const { confirmation, requests } = await ask(event, paymentOf())
    expect([confirmation, requests]).toEqual([{ kind: 'denied', reason: 'event_unknown' }, []])
  }
})
