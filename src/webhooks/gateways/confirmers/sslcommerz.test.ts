import { describe, expect, it } from 'vitest'
import type { PaymentFact } from '../../../payments/fact.ts'
import type { ApiRequest } from '../confirm.ts'
import type { JsonObject } from '../kit/body.ts'
import { sslcommerzConfirmer } from './sslcommerz.ts'

const told: PaymentFact = {
  kind: 'captured',
  merchantRef: 'trip-1',
  gatewayRef: null,
  operationRef: 'val-1',
  amountMinor: 99_999n,
  currency: 'USD',
}
const answer = {
  APIConnect: 'DONE',
  status: 'VALIDATED',
  tran_id: 'trip-1',
  val_id: 'val-1',
  amount: '100.00',
  currency: 'BDT',
  bank_tran_id: 'b-1',
  currency_type: 'BDT',
  currency_amount: '100.00',
}
const paid = { ...told, amountMinor: 10_000n, currency: 'BDT' }

async function ask(body: JsonObject | null, fact = told) {
  const requests: ApiRequest[] = []
  const api = {
    settings: { STORE_ID: 'testbox', STORE_PASSWORD: 'q&w' },
    call: async (request: ApiRequest) => {
      requests.push(request)
      return { status: 200, body }
    },
  }
  const event = { eventId: 'e', type: 'VALID', fact, body: Buffer.from('') }
  return { said: await sslcommerzConfirmer.ask(event, api), requests }
}

describe('asking for a payment', () => {
  it('asks by val_id, with everything encoded', async () => {
    const { requests } = await ask(answer, { ...told, operationRef: 'a&b' })
    expect(requests).toEqual([
      {
        method: 'GET',
        path: '/validator/api/validationserverAPI.php?val_id=a%26b&store_id=testbox&store_passwd=q%26w&v=1&format=json',
      },
    ])
  })

  it.each(['VALID', 'VALIDATED'])('%s confirms what the API says, not what the IPN said', async (status) => {
    expect((await ask({ ...answer, status })).said).toEqual({ kind: 'confirmed', fact: paid })
  })

  it('reads an amount that comes as a number', async () => {
    expect((await ask({ ...answer, currency_amount: 100.5 })).said).toMatchObject({
      fact: { amountMinor: 10_050n },
    })
  })

  it.each<[object, string]>([
    [{ status: 'INVALID_TRANSACTION' }, 'transaction_unknown'],
    [{ tran_id: 'trip-2' }, 'transaction_differs'],
    [{ val_id: 'val-2' }, 'transaction_differs'],
    [{ status: 'FAILED' }, 'transaction_differs'],
    [{ currency_amount: 'much' }, 'amount_unreadable'],
  ])('%j is denied', async (change, reason) => {
    expect((await ask({ ...answer, ...change })).said).toEqual({ kind: 'denied', reason })
  })

  it.each(['INVALID_REQUEST', 'FAILED', 'INACTIVE', undefined])(
    'waits while APIConnect is %s',
    async (word) => {
      expect((await ask({ ...answer, APIConnect: word })).said).toEqual({ kind: 'waiting' })
    },
  )

  it('waits where nothing came that can be read', async () => {
    expect((await ask(null)).said).toEqual({ kind: 'waiting' })
  })
})

describe('asking for what did not come', () => {
  const failed: PaymentFact = { ...told, kind: 'failed', operationRef: 'trip-1' }
  const attempt = { ...answer, status: 'FAILED', val_id: '' }

  it('asks by tran_id', async () => {
    const { requests } = await ask({ APIConnect: 'DONE', element: [] }, failed)
    expect(requests[0]?.path).toContain('/validator/api/merchantTransIDvalidationAPI.php?tran_id=trip-1&')
  })

  it.each<[string, readonly object[], object]>([
    ['a failure', [attempt], { kind: 'confirmed', fact: { kind: 'failed', operationRef: 'trip-1' } }],
    ['a later success beside it', [answer, attempt], { kind: 'confirmed', fact: { kind: 'failed' } }],
    ['nothing but a success', [answer], { kind: 'denied', reason: 'status_differs' }],
    ['an attempt under way', [{ ...attempt, status: 'PENDING' }], { kind: 'waiting' }],
    ['nothing', [], { kind: 'denied', reason: 'transaction_unknown' }],
    ['another order', [{ ...attempt, tran_id: 'trip-2' }], { kind: 'denied', reason: 'transaction_unknown' }],
  ])('%s', async (_, element, said) => {
    expect((await ask({ APIConnect: 'DONE', element }, failed)).said).toMatchObject(said)
  })
})
