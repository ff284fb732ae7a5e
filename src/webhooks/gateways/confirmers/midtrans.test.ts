import { describe, expect, it } from 'vitest'
import type { PaymentFact } from '../../../payments/fact.ts'
import type { ApiAnswer, ApiRequest } from '../confirm.ts'
import { midtransConfirmer } from './midtrans.ts'

const told: PaymentFact = {
  kind: 'captured',
  merchantRef: 'trip/1',
  gatewayRef: null,
  operationRef: 'tx-1',
  amountMinor: 99_900_000n,
  currency: 'IDR',
}
const now = {
  status_code: '200',
  transaction_status: 'settlement',
  transaction_id: 'tx-1',
  order_id: 'trip/1',
  gross_amount: '200000.00',
  currency: 'IDR',
}
const settled = { ...told, amountMinor: 20_000_000n }

async function ask(answer: ApiAnswer['body'], fact: PaymentFact = told, body: object = {}) {
  const requests: ApiRequest[] = []
  const api = {
    settings: { SERVER_KEY: 'server-key' },
    call: async (request: ApiRequest) => {
      requests.push(request)
      return { status: 200, body: answer }
    },
  }
  const event = { eventId: 'e', type: 'settlement', fact, body: Buffer.from(JSON.stringify(body)) }
  return { said: await midtransConfirmer.ask(event, api), requests }
}

describe('asking Midtrans', () => {
  it('asks for the status of the order, with the server key as the user', async () => {
    const { requests } = await ask(now)
    expect(requests).toEqual([
      {
        method: 'GET',
        path: '/v2/trip%2F1/status',
        headers: { authorization: `Basic ${Buffer.from('server-key:').toString('base64')}` },
      },
    ])
  })

  it('asks by the id of the transaction where the notification names one: by the order alone DANA and BI-SNAP know nothing', async () => {
    const { requests, said } = await ask(now, told, { transaction_id: 'tx-1' })
    expect(requests[0]?.path).toBe('/v2/tx-1/status')
    expect(said).toEqual({ kind: 'confirmed', fact: settled })
  })

  it.each(['../../v1/x', 'tx 1', '', 7, null, 'a'.repeat(65)])(
    'an id that is none of Midtrans is not asked about: %j',
    async (transaction_id) => {
      expect((await ask(now, told, { transaction_id })).requests[0]?.path).toBe('/v2/trip%2F1/status')
    },
  )

  it('denies a transaction of the same order, or an order of that name, that is another than the one told', async () => {
    const denied = { kind: 'denied', reason: 'transaction_differs' }
    expect((await ask(now, told, { transaction_id: 'tx-2' })).said).toEqual(denied)
    expect((await ask({ ...now, order_id: 'tx-1' }, told, { transaction_id: 'tx-1' })).said).toEqual(denied)
  })

  it('reads a status in whatever case the API writes it', async () => {
    const pending = { ...now, transaction_status: 'PENDING', status_code: '201' }
    expect((await ask(pending)).said).toEqual({ kind: 'waiting' })
    expect((await ask({ ...now, transaction_status: 'PARTIAL_REFUND' })).said.kind).toBe('confirmed')
  })

  it('confirms what the API says, and not what the notification said', async () => {
    expect((await ask(now)).said).toEqual({ kind: 'confirmed', fact: settled })
  })

  it.each<[string, object]>([
    ['refund', { refunds: [{ refund_chargeback_id: 7, refund_amount: '200000.00' }] }],
    ['partial_chargeback', { refund_amount: '1.00' }],
  ])('confirms the capture of what is by now a %s', async (transaction_status, more) => {
    expect((await ask({ ...now, transaction_status, ...more })).said).toEqual({
      kind: 'confirmed',
      fact: settled,
    })
  })

  it('confirms a refund by its own id, with the amount of the list', async () => {
    const refund: PaymentFact = { ...told, kind: 'refunded', operationRef: '8' }
    const refunds = [
      { refund_chargeback_id: 7, refund_amount: '5000.00' },
      { refund_chargeback_id: 8, refund_amount: '7000.00' },
    ]
    const answer = { ...now, transaction_status: 'partial_refund', refunds }
    expect((await ask(answer, refund)).said).toEqual({
      kind: 'confirmed',
      fact: { ...refund, amountMinor: 700_000n },
    })
    expect((await ask(now, refund)).said).toEqual({ kind: 'waiting' })
  })

  it.each<[PaymentFact['kind'], object]>([
    ['pending', {}],
    ['authorized', {}],
    ['pending', { transaction_status: 'expire', status_code: '407' }],
  ])('confirms that it was %s before it became what it is: %j', async (kind, change) => {
    const { said } = await ask({ ...now, ...change }, { ...told, kind })
    expect(said).toEqual({ kind: 'confirmed', fact: { ...settled, kind } })
  })

  it('waits while the API is behind', async () => {
    expect((await ask({ ...now, transaction_status: 'pending', status_code: '201' })).said).toEqual({
      kind: 'waiting',
    })
    expect((await ask(null)).said).toEqual({ kind: 'waiting' })
  })

  it('a card payment under challenge is not confirmed as captured', async () => {
    const challenged = {
      ...now,
      transaction_status: 'capture',
      fraud_status: 'challenge',
      status_code: '201',
    }
    expect((await ask(challenged)).said).toEqual({ kind: 'waiting' })
  })

  it.each([
    ['transaction_unknown', { status_code: '404', status_message: 'Transaction does not exist.' }],
    ['transaction_differs', { ...now, order_id: 'trip-2' }],
    ['status_unknown', { ...now, transaction_status: 'paid' }],
    ['status_differs', { ...now, transaction_status: 'cancel' }],
  ])('denies: %s', async (reason, answer) => {
    expect((await ask(answer)).said).toEqual({ kind: 'denied', reason })
  })
})
