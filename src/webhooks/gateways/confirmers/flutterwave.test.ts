import { describe, expect, it } from 'vitest'
import type { PaymentFact } from '../../../payments/fact.ts'
import type { ApiAnswer, ApiRequest } from '../confirm.ts'
import type { JsonObject } from '../kit/body.ts'
import { flutterwaveConfirmer } from './flutterwave.ts'

const transaction = {
  id: 285_959_875,
  tx_ref: 'trip-1',
  amount: 100,
  charged_amount: 101.4,
  currency: 'NGN',
  status: 'successful',
}
const claimed: PaymentFact = {
  kind: 'captured',
  merchantRef: 'trip-of-another',
  gatewayRef: '285959875',
  operationRef: '285959875',
  amountMinor: 99_999_900n,
  currency: 'USD',
}

async function ask(
  answer: ApiAnswer,
  { id = 285_959_875 as unknown, kind = 'captured' as PaymentFact['kind'] } = {},
) {
  const requests: ApiRequest[] = []
  const call = async (request: ApiRequest) => {
    requests.push(request)
    return answer
  }
  const body = Buffer.from(JSON.stringify({ event: 'charge.completed', data: { id } }))
  const event = { eventId: 'e', type: 'charge.completed', fact: { ...claimed, kind }, body }
  const confirmation = await flutterwaveConfirmer.ask(event, { settings: { SECRET_KEY: 'FLWSECK-1' }, call })
  return { confirmation, requests }
}

const answerOf = (change: JsonObject = {}): ApiAnswer => ({
  status: 200,
  body: { status: 'success', data: { ...transaction, ...change } },
})

describe('the transaction', () => {
  it('is what the API says, whatever the delivery claimed', async () => {
    const { confirmation, requests } = await ask(answerOf())
    expect(requests).toEqual([
      {
        method: 'GET',
        path: '/v3/transactions/285959875/verify',
        headers: { authorization: 'Bearer FLWSECK-1' },
      },
    ])
    expect(confirmation).toEqual({
      kind: 'confirmed',
      fact: {
        kind: 'captured',
        merchantRef: 'trip-1',
        gatewayRef: '285959875',
        operationRef: '285959875',
        amountMinor: 10_000n,
        currency: 'NGN',
      },
    })
  })

  it('that failed is confirmed as failed, though the delivery said otherwise', async () => {
    expect((await ask(answerOf({ status: 'failed' }))).confirmation).toMatchObject({
      fact: { kind: 'failed' },
    })
  })

  it('that is pending is waited for, unless the delivery said no more', async () => {
    expect((await ask(answerOf({ status: 'pending' }))).confirmation).toEqual({ kind: 'waiting' })
    for (const status of ['pending', 'successful'])
      expect((await ask(answerOf({ status }), { kind: 'pending' })).confirmation).toMatchObject({
        fact: { kind: 'pending', amountMinor: 10_000n },
      })
  })

  it.each<[string, ApiAnswer, string]>([
    ['is unknown', { status: 400, body: { status: 'error', data: null } }, 'transaction_unknown'],
    ['is another', answerOf({ id: 1 }), 'transaction_unknown'],
    ['has another word', answerOf({ status: 'reversed' }), 'status_unknown'],
    ['has no amount', answerOf({ amount: null }), 'amount_unreadable'],
  ])('that %s is denied', async (_, answer, reason) => {
    expect((await ask(answer)).confirmation).toEqual({ kind: 'denied', reason })
  })
})

it.each(['../refunds', '1/../2', '', null, 1.5, 'chg_1'])('does not ask about an id like %j', async (id) => {
  const { confirmation, requests } = await ask(answerOf(), { id })
  expect([confirmation, requests]).toEqual([{ kind: 'denied', reason: 'transaction_unknown' }, []])
})
