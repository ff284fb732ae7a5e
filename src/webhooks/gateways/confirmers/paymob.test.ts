import { describe, expect, it } from 'vitest'
import { differences } from '../../asking/compare-facts.ts'
import type { ApiAnswer, ApiRequest, Confirmation } from '../confirm.ts'
import type { JsonObject } from '../kit/body.ts'
import { readPaymobFact } from '../paymob-facts.ts'
import { paymobConfirmer } from './paymob.ts'

const paid = {
  id: 973572,
  pending: false,
  success: true,
  error_occured: false,
  amount_cents: 111111,
  currency: 'EGP',
  has_parent_transaction: false,
  is_auth: false,
  is_capture: false,
  is_refunded: false,
  is_voided: false,
  is_refund: false,
  is_void: false,
  integration_id: 1234,
  order: { id: 123, merchant_order_id: 'trip-1' },
}
const followUp = { id: 973573, has_parent_transaction: true }

const ok = (body: JsonObject | null): ApiAnswer => ({ status: 200, body })

async function ask(
  told: JsonObject,
  answer: ApiAnswer,
  token: ApiAnswer = { status: 201, body: { token: 'jwt.1' } },
) {
  const requests: ApiRequest[] = []
  const call = async (request: ApiRequest) => {
    requests.push(request)
    return request.method === 'POST' ? token : answer
  }
  const { fact } = readPaymobFact(told)
  const event = { eventId: 'e', type: 'TRANSACTION', fact, body: Buffer.from(JSON.stringify({ obj: told })) }
  const confirmation = await paymobConfirmer.ask(event, { settings: { API_KEY: 'key-1' }, call })
  return { confirmation, requests, fact }
}

/** What the caller makes of it: it compares what was told with what the API says. */
function outcome(told: ReturnType<typeof readPaymobFact>['fact'], confirmation: Confirmation): string {
  if (confirmation.kind !== 'confirmed' || told === null) return confirmation.kind
  return differences(told, confirmation.fact).length === 0 ? 'confirmed' : 'differs'
}

describe('a transaction', () => {
  it('is looked up by its id, with a token that the API key buys', async () => {
    const { confirmation, requests } = await ask(paid, ok(paid))
    expect(requests).toEqual([
      { method: 'POST', path: '/api/auth/tokens', json: { api_key: 'key-1' } },
      {
        method: 'GET',
        path: '/api/acceptance/transactions/973572',
        headers: { authorization: 'Bearer jwt.1' },
      },
    ])
    expect(confirmation).toEqual({
      kind: 'confirmed',
      fact: {
        kind: 'captured',
        merchantRef: 'trip-1',
        gatewayRef: '123',
        operationRef: '973572',
        amountMinor: 111_111n,
        currency: 'EGP',
      },
    })
  })

  const waits = { pending: true, success: false }
  const declined = { success: false, error_occured: true }
  it.each<[string, object, object, string]>([
    ['captured, and so it is', {}, {}, 'confirmed'],
    ['captured, and refunded since', {}, { is_refunded: true, refunded_amount_cents: 5 }, 'confirmed'],
    ['captured, and voided since', {}, { is_voided: true }, 'confirmed'],
    ['captured, of another amount', {}, { amount_cents: 11111 }, 'differs'],
    ['captured, in another currency', {}, { currency: 'USD' }, 'differs'],
    ['captured, of another order', {}, { order: { id: 12 } }, 'differs'],
    ['captured, and declined', {}, declined, 'differs'],
    ['captured, and only held on the card', {}, { is_auth: true }, 'differs'],
    ['captured, and under way', {}, waits, 'waiting'],
    [
      'held on the card, and captured since',
      { is_auth: true },
      { is_auth: true, is_captured: true },
      'confirmed',
    ],
    [
      'held on the card, and voided since',
      { is_auth: true },
      { is_auth: true, is_voided: true },
      'confirmed',
    ],
    ['under way, and so it is', waits, waits, 'confirmed'],
    ['under way, and captured since', waits, {}, 'confirmed'],
    ['under way, and declined since', waits, declined, 'confirmed'],
    ['declined, and so it is', declined, declined, 'confirmed'],
    ['declined, and captured', declined, {}, 'differs'],
    ['voided, sent again', { is_voided: true }, { is_voided: true }, 'confirmed'],
    ['voided, and it is not', { is_voided: true }, {}, 'differs'],
    ['a refund', { ...followUp, is_refund: true }, { ...followUp, is_refund: true }, 'confirmed'],
    [
      'a refund, and it is a capture',
      { ...followUp, is_refund: true },
      { ...followUp, is_capture: true },
      'differs',
    ],
    ['a refund, and it is the payment', { ...followUp, is_refund: true }, { id: 973573 }, 'differs'],
    [
      'a refund that has not succeeded',
      { ...followUp, is_refund: true },
      { ...followUp, success: false },
      'waiting',
    ],
    [
      'a void',
      { ...followUp, is_void: true, parent_transaction: 973572 },
      { ...followUp, is_void: true, parent_transaction: 973572 },
      'confirmed',
    ],
    [
      'a void, and it is one of another',
      { ...followUp, is_void: true, parent_transaction: 973572 },
      { ...followUp, is_void: true, parent_transaction: 973570 },
      'differs',
    ],
    ['a capture', { ...followUp, is_capture: true }, { ...followUp, is_capture: true }, 'confirmed'],
  ])('told as %s', async (_, told, now, expected) => {
    const { confirmation, fact } = await ask({ ...paid, ...told }, ok({ ...paid, ...now }))
    expect(outcome(fact, confirmation)).toBe(expected)
  })

  it.each<[string, ApiAnswer, string]>([
    ['unknown', { status: 404, body: { detail: 'Not found.' } }, 'transaction_unknown'],
    ['no object', ok(null), 'transaction_unknown'],
    ['another', ok({ ...paid, id: 973570 }), 'transaction_differs'],
    ['contradictory', ok({ ...paid, pending: true }), 'status_contradictory'],
    ['without an amount', ok({ ...paid, amount_cents: '111111' }), 'amount_unreadable'],
    ['without an order', ok({ ...paid, order: null }), 'reference_missing'],
  ])('that is %s is denied', async (_, answer, reason) => {
    expect((await ask(paid, answer)).confirmation).toEqual({ kind: 'denied', reason })
  })

  it.each([null, '', 12, 'a b', 'x'.repeat(5_000)])(
    'is asked for later where the token is %j',
    async (token) => {
      await expect(ask(paid, ok(paid), { status: 201, body: { token } })).rejects.toThrow('no token')
    },
  )

  it('that undoes another is looked up itself', async () => {
    const told = { ...paid, ...followUp, is_void: true, parent_transaction: 973572 }
    const { requests } = await ask(told, ok(told))
    expect(requests[1]?.path).toBe('/api/acceptance/transactions/973573')
  })

  it('stays in its place of the path, whatever its id', async () => {
    const odd = { ...paid, id: '../../auth?x=1' }
    const { requests } = await ask(odd, ok(odd))
    expect(requests[1]?.path).toBe('/api/acceptance/transactions/..%2F..%2Fauth%3Fx%3D1')
  })
})
