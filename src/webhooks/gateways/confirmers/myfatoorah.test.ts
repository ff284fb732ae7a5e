import { describe, expect, it } from 'vitest'
import type { PaymentFact } from '../../../payments/fact.ts'
import type { ApiAnswer, ApiRequest } from '../confirm.ts'
import type { JsonObject } from '../kit/body.ts'
import { myfatoorahConfirmer } from './myfatoorah.ts'

const told: PaymentFact = {
  kind: 'captured',
  merchantRef: 'trip-1',
  gatewayRef: '1001',
  operationRef: 'p2',
  amountMinor: 2_500n,
  currency: 'KWD',
}

async function ask(change: Partial<PaymentFact>, answer: ApiAnswer, type = 'payment') {
  const requests: ApiRequest[] = []
  const call = async (request: ApiRequest) => {
    requests.push(request)
    return answer
  }
  const event = { eventId: 'e', type, fact: { ...told, ...change }, body: Buffer.from('{}') }
  const settings = { API_KEY: 'token', BASE_CURRENCY: 'KWD' }
  return { confirmation: await myfatoorahConfirmer.ask(event, { settings, call }), requests }
}

function answerOf(status: string, change: JsonObject = {}): ApiAnswer {
  const InvoiceTransactions = [
    { PaymentId: 'p1', TransactionStatus: 'Failed' },
    { PaymentId: 'p2', TransactionStatus: status },
  ]
  const Data = {
    InvoiceId: 1001,
    CustomerReference: 'trip-1',
    InvoiceValue: 2.5,
    InvoiceTransactions,
    ...change,
  }
  return { status: 200, body: { IsSuccess: true, Data } }
}

describe('a payment', () => {
  it('is asked for by its id; the amount is the invoice’s, in the account’s currency', async () => {
    const { confirmation, requests } = await ask({ amountMinor: null, currency: null }, answerOf('Succss'))
    expect(requests).toEqual([
      {
        method: 'POST',
        path: '/v2/GetPaymentStatus',
        headers: { authorization: 'Bearer token' },
        json: { Key: 'p2', KeyType: 'PaymentId' },
      },
    ])
    expect(confirmation).toEqual({ kind: 'confirmed', fact: told })
  })

  it.each<[string, string]>([
    ['Succss', 'captured'],
    ['Success', 'captured'],
    ['Failed', 'failed'],
    ['Canceled', 'cancelled'],
  ])('whose status is %s is %s', async (status, kind) => {
    expect((await ask({}, answerOf(status))).confirmation).toMatchObject({
      kind: 'confirmed',
      fact: { kind },
    })
  })

  it.each(['InProgress', 'Authorize'])('that is %s there is waited for', async (status) => {
    expect((await ask({}, answerOf(status))).confirmation).toEqual({ kind: 'waiting' })
  })

  it.each<[string, string]>([
    ['Authorize', 'authorized'],
    ['Succss', 'authorized'],
    ['Canceled', 'authorized'],
    ['Failed', 'failed'],
  ])('that was told as authorized, and is %s now, is %s', async (status, kind) => {
    const { confirmation } = await ask({ kind: 'authorized' }, answerOf(status))
    expect(confirmation).toMatchObject({ kind: 'confirmed', fact: { kind } })
  })

  it.each<[string, ApiAnswer, string]>([
    ['unknown', { status: 200, body: { IsSuccess: false, Message: 'No data' } }, 'payment_unknown'],
    ['no object', { status: 404, body: null }, 'payment_unknown'],
    ['not among the invoice’s', answerOf('Succss', { InvoiceTransactions: [] }), 'payment_differs'],
    ['without transactions', answerOf('Succss', { InvoiceTransactions: null }), 'payment_differs'],
    ['of an odd amount', answerOf('Succss', { InvoiceValue: 2.50005 }), 'amount_unreadable'],
  ])('that is %s is denied', async (_, answer, reason) => {
    expect((await ask({}, answer)).confirmation).toEqual({ kind: 'denied', reason })
  })

  it('without a reference of ours is found by its invoice', async () => {
    const { confirmation } = await ask({}, answerOf('Succss', { CustomerReference: null }))
    expect(confirmation).toMatchObject({ fact: { merchantRef: null, gatewayRef: '1001' } })
  })
})

it.each(['refund', 'dispute'])('asks for no %s, which waits for a person', async (type) => {
  const { confirmation, requests } = await ask({ kind: 'refunded' }, answerOf('Succss'), type)
  expect([confirmation, requests]).toEqual([{ kind: 'waiting' }, []])
})
