import { describe, expect, it } from 'vitest'
import type { ApiAnswer, ApiRequest } from '../confirm.ts'
import type { JsonObject } from '../kit/body.ts'
import { readTapFact } from '../tap-facts.ts'
import { tapConfirmer } from './tap.ts'

const refund = {
  id: 're_1',
  object: 'refund',
  status: 'REFUNDED',
  amount: 0.5,
  currency: 'KWD',
  charge_id: 'chg_1',
}

async function ask(told: JsonObject, answer: ApiAnswer) {
  const requests: ApiRequest[] = []
  const call = async (request: ApiRequest) => {
    requests.push(request)
    return answer
  }
  const event = {
    eventId: 'e',
    type: 'refund',
    fact: readTapFact(told).fact,
    body: Buffer.from(JSON.stringify(told)),
  }
  const confirmation = await tapConfirmer.ask(event, { settings: { API_KEY: 'sk_1' }, call })
  return { confirmation, requests }
}

const ok = (body: JsonObject | null): ApiAnswer => ({ status: 200, body })

describe('a refund', () => {
  it('is asked for by its id, and its charge is the one that the API names', async () => {
    const { confirmation, requests } = await ask({ ...refund, charge_id: 'chg_forged' }, ok(refund))
    expect(requests).toEqual([
      { method: 'GET', path: '/v2/refunds/re_1', headers: { authorization: 'Bearer sk_1' } },
    ])
    expect(confirmation).toEqual({
      kind: 'confirmed',
      fact: {
        kind: 'refunded',
        merchantRef: null,
        gatewayRef: 'chg_1',
        operationRef: 're_1',
        amountMinor: 500n,
        currency: 'KWD',
      },
    })
  })

  it.each(['PENDING', 'IN_PROGRESS', 'INITIATED'])('that is %s there is waited for', async (status) => {
    expect((await ask(refund, ok({ ...refund, status }))).confirmation).toEqual({ kind: 'waiting' })
  })

  it.each<[string, ApiAnswer, string]>([
    ['unknown', { status: 404, body: {} }, 'object_unknown'],
    ['no object', ok(null), 'object_unknown'],
    ['another', ok({ ...refund, id: 're_2' }), 'object_differs'],
    [
      'of another kind',
      ok({ ...refund, id: 're_1', object: 'charge', status: 'CAPTURED' }),
      'status_unknown',
    ],
    ['of an unknown status', ok({ ...refund, status: 'X' }), 'status_unknown'],
    ['without a charge', ok({ ...refund, charge_id: null }), 'reference_missing'],
    ['of an odd amount', ok({ ...refund, amount: 0.0005 }), 'amount_unreadable'],
  ])('that is %s is denied', async (_, answer, reason) => {
    expect((await ask(refund, answer)).confirmation).toEqual({ kind: 'denied', reason })
  })
})

it('asks for charges and authorizations at their own places, ids encoded', async () => {
  const charge = { ...refund, id: 'chg_1/../x', object: 'charge', status: 'CAPTURED' }
  const asked = await ask(charge, ok({ ...charge, status: 'IN_PROGRESS' }))
  expect(asked.requests[0]?.path).toBe('/v2/charges/chg_1%2F..%2Fx')
  expect(asked.confirmation).toEqual({ kind: 'waiting' })
  const authorize = { ...charge, id: 'auth_1', object: 'authorize', status: 'AUTHORIZED' }
  const { requests, confirmation } = await ask(authorize, ok(authorize))
  expect(requests[0]?.path).toBe('/v2/authorize/auth_1')
  expect(confirmation).toMatchObject({ fact: { kind: 'authorized' } })
})

it.each(['AUTHORIZED', 'CAPTURED', 'VOID'])('confirms an authorization that is %s now', async (status) => {
  const authorize = { ...refund, id: 'auth_1', object: 'authorize', status: 'AUTHORIZED' }
  const { confirmation } = await ask(authorize, ok({ ...authorize, status }))
  expect(confirmation).toMatchObject({
    kind: 'confirmed',
    fact: { kind: 'authorized', gatewayRef: 'auth_1' },
  })
})

it('asks nothing where there is nothing to ask for', async () => {
  const { confirmation, requests } = await ask({ ...refund, status: 'PENDING' }, ok(refund))
  expect([confirmation, requests]).toEqual([{ kind: 'denied', reason: 'event_unknown' }, []])
})
