import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { ApiAnswer, ApiRequest, EventInDoubt, GatewayApi } from '../confirm.ts'
import type { JsonObject } from '../kit/body.ts'
import { paypalConfirmer } from './paypal.ts'

const resource = { id: 'CAP1', amount: { currency_code: 'USD', value: '12.50' }, custom_id: 'trip-1' }
const event = { id: 'WH-1', event_type: 'PAYMENT.CAPTURE.COMPLETED', resource }
const doubt: EventInDoubt = { eventId: 'WH-1', type: event.event_type, fact: null, body: Buffer.from('') }
const token: ApiAnswer = { status: 200, body: { access_token: 'A21', expires_in: 32_400 } }

let asked: ApiRequest[]
beforeEach(() => {
  asked = []
  vi.useRealTimers()
})

/** An account whose API gives these tokens and this answer, each in turn; the last of each stays. */
function apiOf(tokens: readonly ApiAnswer[], answers: readonly (ApiAnswer | Error)[]): GatewayApi {
  const [left, events] = [[...tokens], [...answers]]
  const next = <T>(list: T[]): T => (list.length > 1 ? list.shift() : list[0]) as T
  const call = async (request: ApiRequest) => {
    asked.push(request)
    const answer = request.method === 'POST' ? next(left) : next(events)
    if (answer instanceof Error) throw answer
    return answer
  }
  return { settings: { CLIENT_ID: 'app', CLIENT_SECRET: 'secret' }, call }
}

const found = (change: JsonObject = {}): ApiAnswer => ({ status: 200, body: { ...event, ...change } })
const tokensAsked = () => asked.filter(({ method }) => method === 'POST').length

describe('an event', () => {
  it('is asked for by its id, with a token for the client’s credentials', async () => {
    const confirmation = await paypalConfirmer.ask(doubt, apiOf([token], [found()]))
    expect(asked).toEqual([
      {
        method: 'POST',
        path: '/v1/oauth2/token',
        headers: { authorization: `Basic ${Buffer.from('app:secret').toString('base64')}` },
        form: { grant_type: 'client_credentials' },
      },
      {
        method: 'GET',
        path: '/v1/notifications/webhooks-events/WH-1',
        headers: { authorization: 'Bearer A21' },
      },
    ])
    expect(confirmation).toEqual({
      kind: 'confirmed',
      fact: {
        kind: 'captured',
        merchantRef: 'trip-1',
        gatewayRef: 'CAP1',
        operationRef: 'CAP1',
        amountMinor: 1_250n,
        currency: 'USD',
      },
    })
  })

  it('is what the API says, whatever the delivery said', async () => {
    const fact = { kind: 'captured', amountMinor: 999_900n } as unknown as EventInDoubt['fact']
    const body = Buffer.from(JSON.stringify({ ...event, resource: { ...resource, custom_id: 'trip-2' } }))
    const confirmation = await paypalConfirmer.ask({ ...doubt, fact, body }, apiOf([token], [found()]))
    expect(confirmation).toMatchObject({ fact: { merchantRef: 'trip-1', amountMinor: 1_250n } })
  })

  it.each<[string, ApiAnswer, string]>([
    ['unknown', { status: 404, body: { name: 'INVALID_RESOURCE_ID' } }, 'event_unknown'],
    ['no object', { status: 200, body: null }, 'event_unknown'],
    ['another', found({ id: 'WH-2' }), 'event_unknown'],
    ['of another type', found({ event_type: 'PAYMENT.CAPTURE.DENIED' }), 'type_differs'],
    ['without a resource', found({ resource: null }), 'object_unreadable'],
    ['without an amount', found({ resource: { ...resource, amount: null } }), 'currency_unknown'],
  ])('that is %s is denied', async (_, answer, reason) => {
    expect(await paypalConfirmer.ask(doubt, apiOf([token], [answer]))).toEqual({ kind: 'denied', reason })
  })

  it('whose id is odd stays in its place of the path', async () => {
    await paypalConfirmer.ask({ ...doubt, eventId: '../x?y=1' }, apiOf([token], [found()]))
    expect(asked.at(-1)?.path).toBe('/v1/notifications/webhooks-events/..%2Fx%3Fy%3D1')
  })
})

describe('a token', () => {
  it('serves several questions, and each account has its own', async () => {
    const api = apiOf([token], [found()])
    for (let time = 0; time < 3; time++) await paypalConfirmer.ask(doubt, api)
    expect(tokensAsked()).toBe(1)
    await paypalConfirmer.ask(doubt, apiOf([token], [found()]))
    expect(tokensAsked()).toBe(2)
  })

  it('is not used in the last minute of its life, nor after it', async () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    const api = apiOf([{ status: 200, body: { access_token: 'A21', expires_in: 100 } }], [found()])
    await paypalConfirmer.ask(doubt, api)
    vi.advanceTimersByTime(39_000)
    await paypalConfirmer.ask(doubt, api)
    expect(tokensAsked()).toBe(1)
    vi.advanceTimersByTime(2_000)
    await paypalConfirmer.ask(doubt, api)
    expect(tokensAsked()).toBe(2)
  })

  it('without a life is used once', async () => {
    const api = apiOf([{ status: 200, body: { access_token: 'A21' } }], [found()])
    for (let time = 0; time < 2; time++) await paypalConfirmer.ask(doubt, api)
    expect(tokensAsked()).toBe(2)
  })

  it('that was refused is dropped', async () => {
    const api = apiOf([token], [new Error('401'), found()])
    await expect(paypalConfirmer.ask(doubt, api)).rejects.toThrow('401')
    expect((await paypalConfirmer.ask(doubt, api)).kind).toBe('confirmed')
    expect(tokensAsked()).toBe(2)
  })

  it.each<[string, ApiAnswer]>([
    ['no object', { status: 200, body: null }],
    ['an empty text', { status: 200, body: { access_token: '' } }],
    ['an error', { status: 400, body: { error: 'invalid_request' } }],
  ])('that is %s is asked for again later', async (_, answer) => {
    await expect(paypalConfirmer.ask(doubt, apiOf([answer], [found()]))).rejects.toThrow('no access token')
  })
})
