import { describe, expect, it } from 'vitest'
import type { FactKind, PaymentFact } from '../../../payments/fact.ts'
import type { ApiAnswer, ApiRequest } from '../confirm.ts'
import type { JsonObject } from '../kit/body.ts'
import { kashierConfirmer } from './kashier.ts'

const refund: PaymentFact = {
  kind: 'refunded',
  merchantRef: 'trip/1',
  gatewayRef: null,
  operationRef: 'TX-2',
  amountMinor: 8_889_00n,
  currency: 'EGP',
}
const pay = { transactionId: 'TX-1', operation: 'pay', status: 'SUCCESS', amount: 8889, currency: 'EGP' }
const back = { ...pay, transactionId: 'TX-2', operation: 'refund' }

function order(transactions: unknown, change: JsonObject = {}): ApiAnswer {
  const response = { merchantId: 'MID-41-571', merchantOrderId: 'trip/1', status: 'CAPTURED', transactions }
  return { status: 200, body: { response: { ...response, ...change }, status: 'SUCCESS' } }
}

let asked: ApiRequest | undefined
async function ask(answer: ApiAnswer, fact: PaymentFact | null = refund): Promise<string> {
  asked = undefined
  const said = await kashierConfirmer.ask(
    { eventId: 'e', type: 'refund', fact, body: Buffer.from('{}') },
    {
      settings: { SECRET_KEY: ' secret-1 ' },
      call: async (request) => {
        asked = request
        return answer
      },
    },
  )
  if (said.kind !== 'confirmed') return 'reason' in said ? `denied: ${said.reason}` : said.kind
  const { kind, merchantRef, operationRef, amountMinor, currency } = said.fact
  return [kind, merchantRef, operationRef, amountMinor, currency].join(' ')
}

describe('Kashier, asked for an order', () => {
  it('by our own reference, with the secret key', async () => {
    expect(await ask(order([pay, back]))).toBe('refunded trip/1 TX-2 888900 EGP')
    expect(asked).toEqual({
      method: 'GET',
      path: '/payments/orders/trip%2F1',
      headers: { authorization: 'secret-1' },
    })
  })

  it.each<[string, ApiAnswer, string]>([
    ['tells another amount', order([{ ...back, amount: '8.5' }]), 'refunded trip/1 TX-2 850 EGP'],
    ['says that it was a payment', order([{ ...back, operation: 'pay' }]), 'denied: status_differs'],
    ['says that it failed', order([{ ...back, status: 'FAILURE' }]), 'denied: status_differs'],
    ['has another word for it', order([{ ...back, operation: 'chargeback' }]), 'denied: status_unknown'],
    ['does not know how it ended', order([{ ...back, status: 'PENDING' }]), 'waiting'],
    ['does not list it yet', order([pay]), 'waiting'],
    ['lists nothing', order(null), 'waiting'],
    ['answers for another order', order([back], { merchantOrderId: 'trip/2' }), 'denied: order_differs'],
    ['knows of no such order', { status: 404, body: {} }, 'denied: order_unknown'],
    ['does not understand', { status: 400, body: {} }, 'waiting'],
  ])('that %s', async (_, answer, words) => {
    expect(await ask(answer)).toBe(words)
  })

  it.each<[FactKind, string, string]>([
    ['authorized', 'authorize', 'SUCCESS'],
    ['captured', 'capture', 'SUCCESS'],
    ['cancelled', 'void', 'SUCCESS'],
    ['refund_failed', 'refund', 'FAILURE'],
  ])('about what was %s', async (kind, operation, status) => {
    expect(await ask(order([{ ...back, operation, status }]), { ...refund, kind })).toBe(
      `${kind} trip/1 TX-2 888900 EGP`,
    )
  })

  it('not at all without a reference', async () => {
    expect(await ask(order([back]), { ...refund, merchantRef: null })).toBe('denied: reference_missing')
    expect(await ask(order([back]), null)).toBe('denied: reference_missing')
    expect(asked).toBeUndefined()
  })
})
