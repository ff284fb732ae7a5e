import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { PaymentFact } from '../../../payments/fact.ts'
import { differences } from '../../asking/compare-facts.ts'
import type { ApiAnswer, ApiRequest } from '../confirm.ts'
import type { JsonObject } from '../kit/body.ts'
import { fawryConfirmer } from './fawry.ts'

const order = {
  type: 'PaymentStatusResponse',
  fawryRefNumber: '970177',
  merchantRefNumber: '1-trip',
  paymentAmount: 152,
  orderAmount: 150,
  orderStatus: 'PAID',
  statusCode: 200,
}
const paid: PaymentFact = {
  kind: 'captured',
  merchantRef: '1-trip',
  gatewayRef: null,
  operationRef: '970177',
  amountMinor: 15_000n,
  currency: 'EGP',
}

async function ask(told: Partial<PaymentFact>, answer: ApiAnswer, merchantRefNumber: unknown = '1-trip') {
  const requests: ApiRequest[] = []
  const call = async (request: ApiRequest) => {
    requests.push(request)
    return answer
  }
  const fact = { ...paid, ...told }
  const event = { eventId: 'e', type: 'PAID', fact, body: Buffer.from(JSON.stringify({ merchantRefNumber })) }
  const settings = { MERCHANT_CODE: 'is0N+YQzlE4==', SECURE_KEY: 'secure' }
  const confirmation = await fawryConfirmer.ask(event, { settings, call })
  const differs = confirmation.kind === 'confirmed' ? differences(fact, confirmation.fact) : []
  return { confirmation, requests, outcome: differs.length > 0 ? 'differs' : confirmation.kind }
}

const ok = (change: JsonObject = {}): ApiAnswer => ({ status: 200, body: { ...order, ...change } })

describe('an order', () => {
  it('is asked for by our reference, signed with the secure key', async () => {
    const { confirmation, requests } = await ask({}, ok())
    const signature = createHash('sha256').update('is0N+YQzlE4==1-tripsecure').digest('hex')
    expect(requests).toEqual([
      {
        method: 'GET',
        path: `/ECommerceWeb/Fawry/payments/status/v2?merchantCode=is0N%2BYQzlE4%3D%3D&merchantRefNumber=1-trip&signature=${signature}`,
      },
    ])
    expect(confirmation).toEqual({ kind: 'confirmed', fact: paid })
  })

  const refund = { kind: 'refunded', operationRef: '970177:REFUNDED' } as const
  it.each<[Partial<PaymentFact>, JsonObject, string]>([
    [{}, {}, 'confirmed'],
    [{}, { fawryRefNumber: undefined, referenceNumber: '970177' }, 'confirmed'],
    [{}, { orderStatus: 'DELIVERED' }, 'confirmed'],
    [{}, { orderStatus: 'REFUNDED' }, 'confirmed'],
    [{}, { orderStatus: 'PARTIAL_REFUNDED' }, 'confirmed'],
    [{}, { orderStatus: 'NEW' }, 'waiting'],
    [{}, { orderStatus: 'UNPAID' }, 'waiting'],
    [{}, { orderStatus: 'EXPIRED' }, 'differs'],
    [{}, { orderAmount: 15 }, 'differs'],
    [{}, { orderStatus: 'X' }, 'denied'],
    [{}, { orderAmount: undefined }, 'denied'],
    [refund, { orderStatus: 'REFUNDED' }, 'confirmed'],
    [refund, {}, 'waiting'],
    [refund, { orderStatus: 'PARTIAL_REFUNDED' }, 'denied'],
    [{ kind: 'pending' }, { orderStatus: 'NEW' }, 'confirmed'],
    [{ kind: 'pending' }, { orderStatus: 'PAID' }, 'confirmed'],
    [{ kind: 'expired' }, { orderStatus: 'EXPIRED' }, 'confirmed'],
    [{ kind: 'expired' }, { orderStatus: 'PAID' }, 'differs'],
  ])('told as %o and now %o', async (told, now, expected) => {
    expect((await ask(told, ok(now))).outcome).toBe(expected)
  })

  it.each<[string, ApiAnswer, string]>([
    ['unknown', { status: 200, body: { statusCode: 9938 } }, 'order_unknown'],
    ['not there', { status: 404, body: {} }, 'order_unknown'],
    ['no object', { status: 200, body: null }, 'order_unknown'],
    ['without a status', ok({ orderStatus: null }), 'order_differs'],
    ['another of Fawry’s', ok({ fawryRefNumber: '9701771' }), 'order_differs'],
    ['another of ours', ok({ merchantRefNumber: '-trip' }), 'order_differs'],
  ])('that is %s is denied', async (_, answer, reason) => {
    expect((await ask({}, answer)).confirmation).toEqual({ kind: 'denied', reason })
  })

  it('whose reference of ours is unsigned is asked for by it, and found by Fawry’s', async () => {
    const told = { merchantRef: null, gatewayRef: '970177' }
    expect((await ask(told, ok())).confirmation).toMatchObject({
      kind: 'confirmed',
      fact: { merchantRef: null, gatewayRef: '970177', amountMinor: 15_000n },
    })
    const another = ok({ merchantRefNumber: '2-trip', fawryRefNumber: '5' })
    expect((await ask(told, another, '2-trip')).outcome).toBe('denied')
    const { confirmation, requests } = await ask(told, ok(), null)
    expect([confirmation, requests]).toEqual([{ kind: 'denied', reason: 'reference_missing' }, []])
  })
})
