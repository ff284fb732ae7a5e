import { describe, expect, it } from 'vitest'
import type { PaymentFact } from '../../../payments/fact.ts'
import type { ApiAnswer, ApiRequest } from '../confirm.ts'
import type { JsonObject } from '../kit/body.ts'
import { phonepeConfirmer } from './phonepe.ts'

const told: PaymentFact = {
  kind: 'captured',
  merchantRef: 'trip/1',
  gatewayRef: 'OMO1',
  operationRef: 'OMO1',
  amountMinor: 99_999n,
  currency: 'INR',
}
const order = { orderId: 'OMO1', state: 'COMPLETED', amount: 10_000 }
const paid = { ...told, amountMinor: 10_000n }
const refunded: PaymentFact = { ...told, kind: 'refunded', gatewayRef: null, operationRef: 'r-1' }
const TOKEN: ApiAnswer = { status: 200, body: { access_token: 'token-1', token_type: 'O-Bearer' } }

interface Question {
  readonly fact?: PaymentFact | null
  readonly type?: string
  readonly told?: JsonObject
  readonly settings?: Readonly<Record<string, string>>
  readonly token?: ApiAnswer
}

async function ask(answer: ApiAnswer, question: Question = {}) {
  const { fact = told, type = 'checkout.order.completed', token = TOKEN, settings = {} } = question
  const payload = question.told ?? { merchantOrderId: 'trip/1', merchantRefundId: 'r-1' }
  const requests: ApiRequest[] = []
  const api = {
    settings: { CLIENT_ID: 'client', CLIENT_SECRET: 'secret', ...settings },
    call: async (request: ApiRequest) => {
      requests.push(request)
      return request.method === 'POST' ? token : answer
    },
  }
  const event = { eventId: 'e', type, fact, body: Buffer.from(JSON.stringify({ payload })) }
  return { said: await phonepeConfirmer.ask(event, api), requests }
}

const shown = (change: object = {}): ApiAnswer => ({ status: 200, body: { ...order, ...change } })

describe('what is asked', () => {
  it('a token, and with it the order', async () => {
    const { requests } = await ask(shown())
    expect(requests).toEqual([
      {
        method: 'POST',
        path: '/apis/identity-manager/v1/oauth/token',
        form: {
          client_id: 'client',
          client_version: '1',
          client_secret: 'secret',
          grant_type: 'client_credentials',
        },
      },
      {
        method: 'GET',
        path: '/apis/pg/checkout/v2/order/trip%2F1/status',
        headers: { authorization: 'O-Bearer token-1' },
      },
    ])
  })

  it.each<[string, Question, string]>([
    [
      'an order of custom checkout',
      { type: 'pg.order.completed' },
      '/apis/pg/payments/v2/order/trip%2F1/status',
    ],
    ['a refund', { fact: refunded }, '/apis/pg/payments/v2/refund/r-1/status'],
    [
      'the sandbox',
      { settings: { API_URL: 'https://api-preprod.phonepe.com/apis/pg-sandbox' } },
      '/checkout/v2/order/trip%2F1/status',
    ],
  ])('%s', async (_, question, path) => {
    expect((await ask(shown(), question)).requests[1]?.path).toBe(path)
  })

  it('the sandbox for its tokens, too, in the version that is configured', async () => {
    const settings = { API_URL: 'http://127.0.0.1:1/apis/pg-sandbox/', CLIENT_VERSION: '7' }
    const [first] = (await ask(shown(), { settings })).requests
    expect(first).toMatchObject({ path: '/v1/oauth/token', form: { client_version: '7' } })
  })
})

describe('what is answered', () => {
  it('is what is confirmed, and not what the delivery said', async () => {
    expect((await ask(shown())).said).toEqual({ kind: 'confirmed', fact: paid })
    expect((await ask(shown({ merchantOrderId: 'trip/1' }))).said).toEqual({ kind: 'confirmed', fact: paid })
  })

  it.each([
    ['as the status API of the SDKs shows it', { merchantId: 'M', merchantRefundId: 'r-1' }],
    ["as the documents show it, with PhonePe's own id", { refundId: 'OMR1' }],
  ])('confirms a refund, %s', async (_, ids) => {
    const refund = { ...ids, originalMerchantOrderId: 'trip/1', amount: 4_000, state: 'COMPLETED' }
    const { said } = await ask({ status: 200, body: refund }, { fact: refunded })
    expect(said).toEqual({ kind: 'confirmed', fact: { ...refunded, amountMinor: 4_000n } })
    const pending = { status: 200, body: { ...refund, state: 'CONFIRMED' } }
    expect((await ask(pending, { fact: refunded })).said).toEqual({ kind: 'waiting' })
  })

  it('names another refund than the one that was asked for: that is another operation', async () => {
    const other = {
      merchantRefundId: 'r-2',
      originalMerchantOrderId: 'trip/1',
      amount: 1,
      state: 'COMPLETED',
    }
    const { said } = await ask({ status: 200, body: other }, { fact: refunded })
    expect(said).toMatchObject({ fact: { operationRef: 'r-2' } })
  })

  it.each<[string, ApiAnswer, Question]>([
    ['the order is pending', shown({ state: 'PENDING' }), {}],
    ['nothing can be read', { status: 200, body: null }, {}],
    ['the question is not understood', { status: 400, body: {} }, {}],
    ['there is no token', shown(), { token: { status: 400, body: {} } }],
    ['the token is none', shown(), { token: { status: 200, body: { access_token: 'a\nb' } } }],
  ])('is asked for again while %s', async (_, answer, question) => {
    expect((await ask(answer, question)).said).toEqual({ kind: 'waiting' })
  })

  it.each<[string, ApiAnswer, Question]>([
    ['order_unknown', { status: 404, body: {} }, {}],
    ['status_differs', shown({ state: 'FAILED' }), {}],
    ['status_unknown', shown({ state: 'DONE' }), {}],
    ['reference_missing', shown(), { told: {} }],
  ])('denies: %s', async (reason, answer, question) => {
    expect((await ask(answer, question)).said).toEqual({ kind: 'denied', reason })
  })

  it('shows an order of version 1 to a person without asking', async () => {
    const event = {
      eventId: 'T1:COMPLETED',
      type: 'PAYMENT_SUCCESS',
      fact: told,
      body: Buffer.from('{"response":""}'),
    }
    const api = { settings: {}, call: () => Promise.reject(new Error('asked')) }
    expect(await phonepeConfirmer.ask(event, api)).toEqual({ kind: 'denied', reason: 'version_unasked' })
  })
})
