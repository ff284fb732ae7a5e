import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type ManualClock, manualClock } from '../src/base/clock.ts'
import { AccountApi, GatewayAway } from '../src/webhooks/asking/gateway-api.ts'
import type { ApiRequest } from '../src/webhooks/gateways/confirm.ts'
import { FakeGatewayApi } from './support/gateway-apis.ts'
import { accountOf } from './support/small-door.ts'

const KEY = 'key-hush-hush'
const PASSWORD = 'password-hush-hush'
const MIB = 1024 * 1024
const ASKING: ApiRequest = {
  method: 'GET',
  path: `/payments/1?password=${PASSWORD}`,
  headers: { authorization: `Bearer ${KEY}` },
}

let gateway: FakeGatewayApi
let clock: ManualClock
let api: AccountApi

beforeAll(async () => {
  gateway = await new FakeGatewayApi().open()
})
afterAll(() => gateway.close())
beforeEach(() => {
  gateway.asked.length = 0
  gateway.answer = () => ({ json: { status: 'paid' } })
  clock = manualClock(0)
  api = apiAt(gateway.url)
})

function apiAt(url: string, limits?: { timeoutMs: number; maxBytes: number }): AccountApi {
  return new AccountApi(
    accountOf('testpay', [], { API_URL: ` ${url}/ ` }),
    'https://nobody.example',
    clock,
    limits,
  )
}

/** `away: the gateway answered 503` */
async function troubleOf(asked: AccountApi = api, request = ASKING): Promise<string> {
  const error: unknown = await asked.call(request).catch((reason: unknown) => reason)
  if (!(error instanceof GatewayAway)) throw new Error('there was no trouble', { cause: error })
  const words = `${error.kind}: ${error.message}`
  expect(`${words} ${error.stack} ${JSON.stringify(error)}`).not.toContain('hush')
  expect(error.cause).toBeUndefined()
  return words
}

describe('a call', () => {
  it('goes to API_URL with what the adapter says, and brings the answer', async () => {
    expect(await api.call(ASKING)).toEqual({ status: 200, body: { status: 'paid' } })
    const [asked] = gateway.asked
    expect(asked).toMatchObject({
      path: `GET ${ASKING.path}`,
      headers: { authorization: `Bearer ${KEY}`, accept: 'application/json', 'user-agent': 'Onceline' },
      body: '',
    })
  })

  it.each<[string, Partial<ApiRequest>, string, string]>([
    ['JSON', { json: { id: 'a&b' } }, '{"id":"a&b"}', 'application/json'],
    ['a form', { form: { id: 'a&b' } }, 'id=a%26b', 'application/x-www-form-urlencoded;charset=UTF-8'],
  ])('posts %s', async (_, content, body, type) => {
    await api.call({ ...ASKING, ...content, method: 'POST' })
    expect(gateway.asked[0]).toMatchObject({ body, headers: { 'content-type': type } })
  })

  it.each([200, 201, 400, 404, 409, 422])('brings %i, which the adapter judges', async (status) => {
    gateway.answer = () => ({ status, json: { code: 'x' } })
    expect(await api.call(ASKING)).toEqual({ status, body: { code: 'x' } })
  })

  it('brings no body where there is no JSON object', async () => {
    gateway.answer = () => ({ json: [1] })
    expect(await api.call(ASKING)).toEqual({ status: 200, body: null })
  })

  it.each([
    [401, 'refused: the gateway answered 401: look at the credentials'],
    [403, 'refused: the gateway answered 403: look at the credentials'],
    [429, 'away: the gateway answered 429'],
    [500, 'away: the gateway answered 500'],
    [599, 'away: the gateway answered 599'],
  ])('is tried again later after %i', async (status, words) => {
    gateway.answer = () => ({ status, json: { echo: KEY } })
    expect(await troubleOf()).toBe(words)
  })

  it('follows no redirect: its headers are for this host alone', async () => {
    gateway.answer = () => ({ status: 302, headers: { location: '/elsewhere' } })
    expect(await troubleOf()).toBe('away: the gateway answered 302')
    expect(gateway.asked).toHaveLength(1)
  })

  it.each([
    ['headers', () => new Promise<never>(() => undefined)],
    ['the end of the body', () => ({ headers: { 'content-length': '1000' }, json: {} })],
  ])('does not wait for %s longer than its time', async (_, answer) => {
    gateway.answer = answer
    expect(await troubleOf(apiAt(gateway.url, { timeoutMs: 100, maxBytes: MIB }))).toMatch(
      /^away: .* in time$/,
    )
  })

  it('reads 1 MiB of an answer and no more', async () => {
    const envelope = JSON.stringify({ filler: '' }).length
    gateway.answer = () => ({ json: { filler: 'x'.repeat(MIB - envelope) } })
    expect(await api.call(ASKING)).toMatchObject({ status: 200, body: { filler: expect.any(String) } })
    gateway.answer = () => ({ json: { filler: 'x'.repeat(MIB - envelope + 1) } })
    expect(await troubleOf()).toBe("away: the gateway's answer is longer than 1048576 bytes")
  })

  it('says what is the matter with a host that does not answer', async () => {
    gateway.answer = () => ({ breaksOff: true })
    expect(await troubleOf()).toMatch(/^away: the gateway cannot be reached: \w+/)
    // Two addresses, and so an error of errors.
    for (const url of ['http://127.0.0.1:9', 'http://localhost:9'])
      expect(await troubleOf(apiAt(url))).toMatch(
        /^away: the gateway cannot be reached: .*(ECONNREFUSED|bad port)/,
      )
  })

  it('tells nobody a credential that no header can have', async () => {
    const request = { ...ASKING, headers: { authorization: `a\n${KEY}` } }
    expect(await troubleOf(api, request)).toBe('refused: a credential has characters that no header may have')
    expect(gateway.asked).toHaveLength(0)
  })

  it('keeps no connection for an answer that nobody reads', async () => {
    gateway.answer = () => ({ status: 401, json: 'x'.repeat(4 * MIB) })
    for (let call = 0; call < 10; call += 1) await troubleOf()
    await expect.poll(() => gateway.connections()).toBeLessThan(3)
  })

  it.each(['/payments/..', '/payments/../refunds', '/payments/%2E%2e', '/payments/.', '/payments/..?a=1'])(
    'asks no other question than was meant: %s',
    async (path) => {
      expect(await api.call({ ...ASKING, path })).toEqual({ status: 404, body: null })
      expect(gateway.asked).toHaveLength(0)
    },
  )

  it('may have dots elsewhere, and must begin with a slash', async () => {
    for (const path of ['/v1.0/pay.ments/a..b', '/payments?next=/../x', '/...'])
      expect(await api.call({ ...ASKING, path })).toMatchObject({ status: 200 })
    await expect(api.call({ ...ASKING, path: '@evil.example/' })).rejects.toThrow('begins with a slash')
    expect(gateway.asked).toHaveLength(3)
  })
})

describe('a gateway that asks to be left alone', () => {
  const NOW = 'Sun, 29 Nov 2026 12:00:00 GMT'
  const resting = 'resting: the gateway asked to be left alone for a while'
  beforeEach(() => {
    clock = manualClock(Date.parse(NOW))
    api = apiAt(gateway.url)
  })
  const heldMs = async () =>
    ((await api.call(ASKING).catch((reason: unknown) => reason)) as GatewayAway).holdMs

  it.each([
    [429, '120', 120_000],
    [503, '7', 7_000],
    [503, 'Sun, 29 Nov 2026 12:02:00 GMT', 120_000],
    [429, '86400', 3_600_000],
  ])('is, after %i and Retry-After: %s, for %i ms', async (status, retryAfter, waitMs) => {
    gateway.answer = () => ({ status, headers: { 'retry-after': retryAfter } })
    expect(await heldMs()).toBe(waitMs)
    clock.advance(waitMs - 1)
    expect(await troubleOf()).toBe(resting)
    expect(await heldMs()).toBe(1)
    expect(gateway.asked).toHaveLength(1)
    clock.advance(1)
    gateway.answer = () => ({ json: {} })
    expect(await api.call(ASKING)).toMatchObject({ status: 200 })
  })

  it('is, by the longest of what several answers asked for', async () => {
    const seconds = ['20', '10']
    gateway.answer = () => ({ status: 429, headers: { 'retry-after': seconds.shift() ?? '0' } })
    await Promise.all([troubleOf(), troubleOf()])
    clock.advance(19_999)
    expect(await troubleOf()).toBe(resting)
    clock.advance(1)
    expect(await troubleOf()).toMatch(/^away: /)
  })

  it.each([
    [429, 'soon'],
    [503, 'Sun, 29 Nov 2026 11:00:00 GMT'],
    [404, '60'],
  ])('is not after %i and Retry-After: %s', async (status, retryAfter) => {
    gateway.answer = () => ({ status, json: {}, headers: { 'retry-after': retryAfter } })
    await api.call(ASKING).catch(() => undefined)
    await api.call(ASKING).catch(() => undefined)
    expect(gateway.asked).toHaveLength(2)
  })

  it('says how long the circuit leaves it alone', async () => {
    gateway.answer = () => ({ status: 503 })
    for (let call = 0; call < 5; call += 1) expect(await heldMs()).toBe(0)
    clock.advance(1_000)
    expect(await heldMs()).toBe(4_000)
  })
})

describe('a gateway that is away', () => {
  it('is left alone after five calls in a row, asked once after five seconds, and then twice as late', async () => {
    gateway.answer = () => ({ status: 503 })
    for (let call = 0; call < 5; call += 1) expect(await troubleOf()).toBe('away: the gateway answered 503')
    const resting = 'resting: the gateway was away too often; it is left alone for a while'
    expect(await troubleOf()).toBe(resting)
    clock.advance(4_999)
    expect(await troubleOf()).toBe(resting)
    expect(gateway.asked).toHaveLength(5)
    clock.advance(1)
    expect(await Promise.all([troubleOf(), troubleOf()])).toEqual(['away: the gateway answered 503', resting])
    clock.advance(9_999)
    expect(await troubleOf()).toBe(resting)
    clock.advance(1)
    gateway.answer = () => ({ json: {} })
    expect(await api.call(ASKING)).toMatchObject({ status: 200 })
    expect(await Promise.all([api.call(ASKING), api.call(ASKING)])).toHaveLength(2)
    expect(gateway.asked).toHaveLength(9)
  })

  it('is one that answers with less patience: a refusal counts for a third', async () => {
    gateway.answer = () => ({ status: 401 })
    for (let call = 0; call < 15; call += 1) expect(await troubleOf()).toMatch(/^refused: /)
    expect(await troubleOf()).toMatch(/^resting: /)
  })

  it('is not one whose answers are read: they begin the count anew', async () => {
    for (let round = 0; round < 3; round += 1) {
      gateway.answer = () => ({ status: 503 })
      for (let call = 0; call < 4; call += 1) await troubleOf()
      gateway.answer = () => ({ status: 404 })
      await api.call(ASKING)
    }
    expect(gateway.asked).toHaveLength(15)
  })
})
