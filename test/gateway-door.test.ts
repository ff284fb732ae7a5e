import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ManualClock, manualClock } from '../src/base/clock.ts'
import type { GatewayAccount } from '../src/webhooks/gateways/adapter.ts'
import { openApp, type TestApp } from './support/app.ts'
import { countOf } from './support/books.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { plainpay, tokenpay } from './support/made-up-gateways.ts'
import { headOf, RawConnection } from './support/raw-http.ts'
import { accountOf, SmallDoor } from './support/small-door.ts'
import { storedEvents } from './support/stored-events.ts'

const START_MS = Date.parse('2026-11-29T00:00:00Z')
const SECRETS_UNTIL = '1@2026-11-29T00:00:10Z,2@2026-11-29T00:00:20Z'

let database: TestDatabase
let door: SmallDoor
let clock: ManualClock

beforeAll(async () => {
  database = await testDatabase('gateway-door')
  clock = manualClock(START_MS)
  door = await SmallDoor.open(database, {
    adapters: [plainpay, tokenpay],
    accounts: [
      accountOf('tokenpay', ['token-1']),
      accountOf('plainpay', ['token-1']),
      accountOf(
        'plainpay',
        ['first', 'second', 'third'],
        { WEBHOOK_SECRETS_UNTIL: SECRETS_UNTIL },
        'rotating',
      ),
      accountOf('tokenpay', ['first', 'second'], { WEBHOOK_SECRETS_UNTIL: SECRETS_UNTIL }, 'ending'),
    ],
    clock,
  })
})
afterAll(async () => {
  await door?.close()
  await database?.drop()
})

let lastId = 0
function bodyOf(events = 1): string {
  lastId += events
  return JSON.stringify({ ids: Array.from({ length: events }, (_, index) => `evt-${lastId - index}`) })
}

async function codeOf(coming: Promise<Response>): Promise<string> {
  const response = await coming
  const { code, verdict } = (await response.json()) as Record<string, unknown>
  return `${response.status} ${code ?? verdict}`
}

describe('the answer that a gateway wants to read', () => {
  it('is given once the events are stored, with their ids beside it', async () => {
    const response = await door.post('/webhooks/tokenpay', bodyOf(3), {
      'x-token': 'token-1',
      'x-request-id': 'r-1',
    })
    expect([response.status, await response.text()]).toEqual([200, '[accepted]'])
    expect(response.headers.get('content-type')).toBe('text/plain')
    expect(response.headers.get('x-request-id')).toBe('r-1')
    const ids = response.headers.get('x-onceline-event-ids')?.split(',') ?? []
    const known = (await storedEvents(database.pool)).map(({ id }) => id)
    expect(ids).toHaveLength(3)
    expect(known).toEqual(expect.arrayContaining(ids.map((id) => id.replaceAll('-', ''))))
  })

  it('names 32 ids at most: no proxy takes headers of any length', async () => {
    const response = await door.post('/webhooks/tokenpay', bodyOf(200), { 'x-token': 'token-1' })
    expect([response.status, await response.text()]).toEqual([200, '[accepted]'])
    expect(response.headers.get('x-onceline-event-ids')?.split(',')).toHaveLength(32)
  })

  it('is not given to whoever is refused, whose status is the one that the gateway asks for', async () => {
    const before = await countOf(database.pool, 'webhook_events')
    const forged = { 'x-token': 'token-2' }
    expect(await codeOf(door.post('/webhooks/tokenpay', bodyOf(), forged))).toBe('498 signature_invalid')
    expect(await codeOf(door.post('/webhooks/tokenpay', bodyOf()))).toBe('498 signature_missing')
    expect(await codeOf(door.post('/webhooks/tokenpay', '{}', { 'x-token': 'token-1' }))).toBe(
      '400 malformed_body',
    )
    expect(await codeOf(door.post('/webhooks/plainpay', bodyOf(), forged))).toBe('401 signature_invalid')
    expect(await countOf(database.pool, 'webhook_events')).toBe(before)
  })
})

describe('a GET', () => {
  it('is answered where the gateway asks that way, and only with the key', async () => {
    const response = await door.fetch('/webhooks/tokenpay?key=token-1&challenge=c-7')
    expect([response.status, await response.text()]).toEqual([200, 'here|c-7'])
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    const counted = 'onceline_webhook_deliveries_total{gateway="tokenpay",verdict="challenge"}'
    expect(await door.metrics(counted)).toEqual([`${counted} 1`])
    expect(await codeOf(door.fetch('/webhooks/tokenpay?key=token-2&challenge=c-7'))).toBe(
      '498 signature_invalid',
    )
    expect(await codeOf(door.fetch('/webhooks/tokenpay/ending?key=token-1'))).toBe('498 signature_invalid')
  })

  it.each(['/webhooks/plainpay', '/webhooks/tokenpay/unknown', '/webhooks/nopay'])(
    'is refused by everybody else: %s',
    async (path) => {
      const response = await door.fetch(`${path}?key=token-1&challenge=c-7`)
      expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST'])
    },
  )

  it('is among the methods that are said to be allowed, where it is', async () => {
    const allowed = async (path: string) => (await door.fetch(path, { method: 'PUT' })).headers.get('allow')
    expect(await allowed('/webhooks/tokenpay')).toBe('GET, HEAD, POST')
    expect(await allowed('/webhooks/plainpay')).toBe('POST')
  })
})

describe('a secret with an end', () => {
  it('is taken until then, and the metric names the place of each as it is configured', async () => {
    const take = (token: string) =>
      codeOf(door.post('/webhooks/plainpay/rotating', bodyOf(), { 'x-token': token }))
    const matched = 'onceline_webhook_secret_matched_total{gateway="plainpay",account="rotating"'
    expect([await take('first'), await take('third')]).toEqual(['200 stored', '200 stored'])
    clock.advance(10_000)
    expect([await take('first'), await take('second')]).toEqual(['401 signature_invalid', '200 stored'])
    clock.advance(10_000)
    expect([await take('second'), await take('third')]).toEqual(['401 signature_invalid', '200 stored'])
    expect((await door.metrics(matched)).sort()).toEqual([
      `${matched},secret="1"} 1`,
      `${matched},secret="2"} 1`,
      `${matched},secret="3"} 2`,
    ])
  })

  it('leaves nothing open behind the last one, though the gateway could do without any', async () => {
    const before = await countOf(database.pool, 'webhook_events')
    expect(clock.nowMs()).toBe(START_MS + 20_000)
    for (const headers of [{}, { 'x-token': 'first' }, { 'x-token': 'second' }])
      expect(await codeOf(door.post('/webhooks/tokenpay/ending', bodyOf(), headers))).toBe(
        '498 signature_invalid',
      )
    expect(await codeOf(door.fetch('/webhooks/tokenpay/ending?key=second'))).toBe('498 signature_invalid')
    expect(await countOf(database.pool, 'webhook_events')).toBe(before)
  })
})

describe('ALLOWED_CIDRS', () => {
  const SECRET = 'whsec_of_the_addresses'
  const account = (name: string, cidrs: string): GatewayAccount =>
    accountOf('stripe', [SECRET], { ALLOWED_CIDRS: cidrs }, name)
  const otherAccounts = [
    account('loopback', '203.0.113.0/24, 127.0.0.0/8'),
    account('abroad', '203.0.113.0/24,2001:db8::/32'),
    account('mapped', '::ffff:127.0.0.0/104'),
    account('six', '::/0'),
  ]
  let direct: TestApp
  let proxied: TestApp

  beforeAll(async () => {
    const open = (trustedProxies: readonly string[]) =>
      openApp(database, {
        working: false,
        otherAccounts,
        internalApi: { isSeparate: false, allowedCidrs: null, trustedProxies },
      })
    direct = await open([])
    proxied = await open(['127.0.0.1', '10.0.0.0/8'])
  })
  afterAll(async () => {
    await direct?.stop()
    await proxied?.stop()
  })

  let lastRef = 0
  const deliveryFor = (app: TestApp, name?: string) => {
    lastRef += 1
    const merchantRef = `trip-${lastRef}`
    return app.delivery(
      'stripe',
      name === undefined ? { merchantRef } : { merchantRef, account: name, secret: SECRET },
    )
  }
  async function post(app: TestApp, name: string | undefined, forwarded?: string): Promise<string> {
    const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded }
    const { status, body } = await app.post(deliveryFor(app, name), headers)
    return `${status} ${body.code ?? body.verdict}`
  }

  it.each([
    ['loopback', '200 stored'],
    ['mapped', '200 stored'],
    ['abroad', '403 address_refused'],
    ['six', '403 address_refused'],
    [undefined, '200 stored'],
  ])('is asked about the other end of the connection: %s', async (name, said) => {
    expect(await post(direct, name)).toBe(said)
  })

  it.each([
    ['of one who is trusted', '203.0.113.7', '200 stored'],
    ['with IPv6', '2001:db8::7', '200 stored'],
    ['with IPv6 and its port', '[2001:db8::7]:4711', '200 stored'],
    ['through two who are trusted', '203.0.113.7, 10.1.2.3', '200 stored'],
    ['from another address', '198.51.100.1', '403 address_refused'],
    ['with an invention before the true one', '203.0.113.7, 198.51.100.1', '403 address_refused'],
    ['that cannot be read', 'unknown', '403 address_refused'],
    ['that is not there', undefined, '403 address_refused'],
  ])('behind a proxy goes by what it passed on: %s', async (_, forwarded, said) => {
    expect(await post(proxied, 'abroad', forwarded)).toBe(said)
  })

  it('is not talked round by a header of somebody who is no trusted proxy', async () => {
    expect(await post(direct, 'abroad', '203.0.113.7')).toBe('403 address_refused')
    expect(await post(direct, 'loopback', '198.51.100.1')).toBe('200 stored')
  })

  it('is judged before the body is read, counts, tells no secret, and stores nothing', async () => {
    const before = await countOf(database.pool, 'webhook_events')
    const counted = 'onceline_webhook_deliveries_total{gateway="stripe",verdict="address_refused"}'
    const count = async () => Number((await direct.metrics(counted))[0]?.split(' ')[1] ?? 0)
    const refusals = await count()
    const connection = await RawConnection.open(direct.port)
    connection.send(headOf(deliveryFor(direct, 'abroad'), 'content-length: 1000000'))
    const answer = await connection.answer()
    expect([answer.status, JSON.parse(answer.body).code]).toEqual([403, 'address_refused'])
    connection.end()
    expect(await count()).toBe(refusals + 1)
    expect(direct.lines.join('')).not.toContain(SECRET)
    expect(await countOf(database.pool, 'webhook_events')).toBe(before)
  })
})
