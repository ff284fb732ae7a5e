import { describe, expect, it } from 'vitest'
import type { ApiAnswer, ApiRequest } from '../confirm.ts'
import type { ListedEvent } from '../event-lister.ts'
import type { JsonObject } from '../kit/body.ts'
import { stripe } from '../stripe.ts'
import { readEvent, STRIPE_FACT_TYPES } from '../stripe-facts.ts'
import { stripeLister } from './stripe.ts'

const window = { from: new Date(1_790_000_000_400), until: new Date(1_790_003_600_100) }
const event = (id: string, change: JsonObject = {}) => ({
  id,
  type: 'payment_intent.succeeded',
  created: 1_790_000_100,
  data: { object: { id: 'pi_1', amount_received: 1_000, currency: 'egp', metadata: { merchant_ref: id } } },
  ...change,
})
const pageOf = (data: unknown, has_more: unknown = false): ApiAnswer => ({
  status: 200,
  body: { object: 'list', data, has_more },
})

async function list(answers: readonly ApiAnswer[]) {
  const requests: ApiRequest[] = []
  const call = async (request: ApiRequest) => {
    requests.push(request)
    return answers[requests.length - 1] ?? expect.fail('asked once too often')
  }
  const pages: (readonly ListedEvent[])[] = []
  const api = { settings: { API_KEY: 'rk_live_1' }, call }
  const run = async () => {
    for await (const page of stripeLister.pages(window, api)) pages.push(page)
  }
  const failure = await run().then(
    () => null,
    (error: Error) => error.message,
  )
  const queries = requests.map(({ path }) => new URL(path, 'https://api.stripe.com').searchParams)
  return { requests, queries, pages, failure, ids: pages.flat().map((one) => one.event.eventId) }
}

describe('the list of events', () => {
  it('is asked for by the window’s seconds, and for the types that may carry a fact', async () => {
    const { requests, queries, pages } = await list([pageOf([event('evt_1')])])
    expect(requests[0]).toMatchObject({
      method: 'GET',
      path: expect.stringMatching(/^\/v1\/events\?/),
      headers: { authorization: 'Bearer rk_live_1' },
    })
    expect(queries[0]?.get('created[gte]')).toBe('1790000000')
    expect(queries[0]?.get('created[lt]')).toBe('1790003601')
    expect(queries[0]?.getAll('types[]')).toEqual([...STRIPE_FACT_TYPES])
    expect(queries[0]?.has('starting_after')).toBe(false)
    expect(pages).toEqual([
      [{ event: readEvent(event('evt_1')), body: Buffer.from(JSON.stringify(event('evt_1'))) }],
    ])
  })

  it('has pages, each after the last event of the one before', async () => {
    const { queries, ids } = await list([
      pageOf([event('evt_1'), event('evt_2')], true),
      pageOf([event('evt_3')], true),
      pageOf([]),
    ])
    expect(ids).toEqual(['evt_1', 'evt_2', 'evt_3'])
    expect(queries.map((query) => query.get('starting_after'))).toEqual([null, 'evt_2', 'evt_3'])
    expect(new Set(queries.map((query) => query.get('created[gte]'))).size).toBe(1)
  })

  it.each<[string, ApiAnswer]>([
    ['an error', { status: 400, body: { error: {} } }],
    ['no object', { status: 200, body: null }],
    ['no list', pageOf({})],
    ['an entry that is no event', pageOf([null])],
    ['an event without an id', pageOf([event('')])],
    ['more events and not which', pageOf([], true)],
  ])('that is %s ends the look, which is taken again', async (_, answer) => {
    expect((await list([answer])).failure).not.toBeNull()
  })

  it('that turns in a circle ends', async () => {
    const page = pageOf([event('evt_1')], true)
    expect((await list([page, page])).failure).toBe('Stripe lists more events and not which')
  })
})

it('every type that is asked for may carry a fact, and no other does', () => {
  const object = { id: 'x', status: 'succeeded', payment_intent: 'pi_1', amount: 1, currency: 'egp' }
  const money = { ...object, amount_capturable: 1, amount_received: 1 }
  for (const type of STRIPE_FACT_TYPES) {
    const status = type === 'charge.dispute.closed' ? 'won' : 'succeeded'
    expect([type, readEvent(event('evt_1', { type, data: { object: { ...money, status } } }))]).toMatchObject(
      [type, { fact: expect.anything() }],
    )
  }
  for (const type of [
    'charge.succeeded',
    'charge.refunded',
    'payment_intent.created',
    'charge.dispute.updated',
  ])
    expect(readEvent(event('evt_1', { type }))).toMatchObject({ fact: null, hold: null })
  expect(stripe.lister).toBe(stripeLister)
})
