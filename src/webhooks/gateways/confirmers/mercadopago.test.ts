import { describe, expect, it } from 'vitest'
import type { ApiAnswer, ApiRequest } from '../confirm.ts'
import type { JsonObject } from '../kit/body.ts'
import { hintId } from '../kit/hint.ts'
import { mercadopagoConfirmer } from './mercadopago.ts'

const APPROVED = '2026-01-01T10:00:00.000-03:00'
const LATER = '2026-01-01T11:00:00.000-03:00'
const payment: JsonObject = {
  id: 123,
  status: 'approved',
  status_detail: 'accredited',
  transaction_amount: 250.75,
  currency_id: 'BRL',
  external_reference: 'trip-1',
  date_created: '2026-01-01T09:59:00.000-03:00',
  date_approved: APPROVED,
  date_last_updated: APPROVED,
  refunds: [],
}

async function ask(answer: ApiAnswer, eventId = hintId('payment:123', Date.parse(LATER) + 60_000)) {
  const requests: ApiRequest[] = []
  const call = async (request: ApiRequest) => {
    requests.push(request)
    return answer
  }
  const body = Buffer.from(JSON.stringify({ data: { id: '999' } }))
  const event = { eventId, type: 'payment', fact: null, body }
  const confirmation = await mercadopagoConfirmer.ask(event, {
    settings: { ACCESS_TOKEN: 'APP_USR-1' },
    call,
  })
  return { confirmation, requests }
}

const answerOf = (change: JsonObject = {}): ApiAnswer => ({ status: 200, body: { ...payment, ...change } })

it('asks for the payment of the query, and takes the fact from the answer alone', async () => {
  const { confirmation, requests } = await ask(answerOf())
  expect(requests).toEqual([
    { method: 'GET', path: '/v1/payments/123', headers: { authorization: 'Bearer APP_USR-1' } },
  ])
  expect(confirmation).toEqual({
    kind: 'confirmed',
    fact: {
      kind: 'captured',
      merchantRef: 'trip-1',
      gatewayRef: '123',
      operationRef: '123',
      amountMinor: 25_075n,
      currency: 'BRL',
    },
  })
})

describe('the status', () => {
  it.each([
    ['pending', 'pending', 'pending_waiting_payment'],
    ['in_process', 'pending', 'pending_review_manual'],
    ['authorized', 'authorized', 'pending_capture'],
    ['approved', 'captured', 'accredited'],
    ['rejected', 'failed', 'cc_rejected_other_reason'],
    ['cancelled', 'cancelled', 'by_collector'],
    ['cancelled', 'expired', 'expired'],
    ['in_mediation', 'disputed', 'pending'],
    ['charged_back', 'disputed', 'in_process'],
    ['charged_back', 'dispute_lost', 'settled'],
    ['charged_back', 'dispute_won', 'reimbursed'],
  ])('%s is %s (%s)', async (status, kind, status_detail) => {
    const { confirmation } = await ask(answerOf({ status, status_detail, date_last_updated: LATER }))
    expect(confirmation).toMatchObject({ kind: 'confirmed', fact: { kind, amountMinor: 25_075n } })
  })

  it('that nobody knows is denied', async () => {
    expect((await ask(answerOf({ status: 'half' }))).confirmation).toEqual({
      kind: 'denied',
      reason: 'status_unknown',
    })
  })
})

describe('refunds', () => {
  const refunds = [
    { id: 7, amount: 50.5, status: 'approved', date_created: LATER },
    { id: 8, amount: 1, status: 'in_process', date_created: LATER },
  ]

  it('are operations of their own, once they are approved', async () => {
    const { confirmation } = await ask(answerOf({ refunds, status_detail: 'partially_refunded' }))
    expect(confirmation).toMatchObject({
      fact: { kind: 'refunded', operationRef: '7', gatewayRef: '123', amountMinor: 5_050n },
    })
  })

  it('that one hint is about are told with it, and the capture, too', async () => {
    const two = [
      { id: 7, amount: 50.5, status: 'approved', date_created: LATER },
      { id: 9, amount: 20, status: 'approved', date_created: '2026-01-01T11:00:05.000-03:00' },
    ]
    const { confirmation } = await ask(answerOf({ refunds: two }))
    expect(confirmation).toMatchObject({
      fact: { kind: 'refunded', operationRef: '9' },
      also: [
        { kind: 'captured', operationRef: '123', amountMinor: 25_075n },
        { kind: 'refunded', operationRef: '7', amountMinor: 5_050n },
      ],
    })
  })

  it('do not take the place of the capture whose hint is asked about late', async () => {
    const early = hintId('payment:123', Date.parse(APPROVED) + 2_000)
    for (const status of ['approved', 'refunded', 'charged_back'])
      expect(
        (await ask(answerOf({ status, refunds, date_last_updated: LATER }), early)).confirmation,
      ).toMatchObject({
        fact: { kind: 'captured', operationRef: '123', amountMinor: 25_075n },
      })
  })
})

it.each<[string, ApiAnswer, string]>([
  ['is unknown', { status: 404, body: { error: 'not_found' } }, 'payment_unknown'],
  ['is another', answerOf({ id: 124 }), 'payment_unknown'],
  ['has a fraction of a centavo', answerOf({ transaction_amount: 1.005 }), 'amount_unreadable'],
  ['has no currency', answerOf({ currency_id: null }), 'currency_unknown'],
])('denies a payment that %s', async (_, answer, reason) => {
  expect((await ask(answer)).confirmation).toEqual({ kind: 'denied', reason })
})

it.each(['payment:ord01jq4@1', 'payment:1/2@1', 'order:123@1', '123'])(
  'does not ask about %j',
  async (eventId) => {
    const { confirmation, requests } = await ask(answerOf(), eventId)
    expect([confirmation, requests]).toEqual([{ kind: 'denied', reason: 'payment_unknown' }, []])
  },
)
