import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newSecret } from '../src/webhooks/gateways/samples/samples.ts'
import { type Answer, openApp, type TestApp } from './support/app.ts'
import { countOf } from './support/books.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { headOf, RawConnection } from './support/raw-http.ts'
import { storedEvents } from './support/stored-events.ts'

const CAIRO_SECRETS = [newSecret('stripe'), newSecret('stripe')]

let database: TestDatabase
let door: TestApp

beforeAll(async () => {
  database = await testDatabase('http-door')
  door = await openApp(database, {
    working: false,
    otherAccounts: [{ gateway: 'stripe', account: 'cairo', secrets: CAIRO_SECRETS, settings: {} }],
  })
})
afterAll(async () => {
  await door?.stop()
  await database?.drop()
})

let lastRef = 0
function newRef(): string {
  lastRef += 1
  return `trip-${lastRef}`
}

describe('a genuine delivery', () => {
  it.each(['stripe', 'kashier', 'paymob', 'standard-webhooks'] as const)(
    'of %s is acknowledged when it is stored, with its verdict',
    async (gateway) => {
      const delivery = door.delivery(gateway, { merchantRef: newRef() })
      const first = await door.post(delivery, { 'x-request-id': `req.${gateway}-1_a` })
      expect(first).toMatchObject({
        status: 200,
        body: { received: true, verdict: 'stored', requestId: `req.${gateway}-1_a` },
      })
      expect(first.headers.get('x-request-id')).toBe(`req.${gateway}-1_a`)
      const [id] = first.body.eventIds as string[]
      const row = (await storedEvents(database.pool)).find((each) => each.id === id?.replaceAll('-', ''))
      expect(row?.body).toBe(delivery.body.toString())

      const again = await door.post(delivery)
      expect(again).toMatchObject({ status: 200, body: { verdict: 'duplicate', eventIds: [id] } })
      const reserialised = JSON.stringify(JSON.parse(delivery.body.toString()), null, 1)
      if (gateway === 'kashier' || gateway === 'paymob')
        expect(await door.post({ ...delivery, body: Buffer.from(reserialised) })).toMatchObject({
          status: 200,
          body: { verdict: 'duplicate', eventIds: [id] },
        })
    },
  )

  it('with other money under the same event id is a conflict, acknowledged, kept and told of loudly', async () => {
    const merchantRef = newRef()
    const eventId = `evt_${merchantRef}`
    await door.post(door.delivery('stripe', { merchantRef, eventId }))
    const other = door.delivery('stripe', { merchantRef, eventId, amountMinor: 99_999n })
    expect(await door.post(other)).toMatchObject({ status: 200, body: { verdict: 'conflict' } })
    const rows = (await storedEvents(database.pool)).filter((row) => row.eventId === eventId)
    expect(rows.map(({ state, reason }) => `${state} ${reason}`).sort()).toEqual([
      'quarantined event_id_conflict',
      'received null',
    ])
    expect(door.lines.filter((line) => line.includes('ALARM'))).toHaveLength(1)
    expect(await door.metrics('onceline_webhook_conflicts_total')).toEqual([
      'onceline_webhook_conflicts_total{gateway="stripe"} 1',
    ])
  })

  it('of another account comes by its path and is signed with one of its secrets', async () => {
    for (const secret of CAIRO_SECRETS) {
      const delivery = door.delivery('stripe', { merchantRef: newRef(), account: 'cairo', secret })
      expect(delivery.path).toBe('/webhooks/stripe/cairo')
      expect(await door.post(delivery)).toMatchObject({ status: 200, body: { verdict: 'stored' } })
    }
    expect(
      await door.metrics('onceline_webhook_secret_matched_total{gateway="stripe",account="cairo"'),
    ).toEqual([
      'onceline_webhook_secret_matched_total{gateway="stripe",account="cairo",secret="1"} 1',
      'onceline_webhook_secret_matched_total{gateway="stripe",account="cairo",secret="2"} 1',
    ])
    const ofDefault = door.delivery('stripe', { merchantRef: newRef() })
    const crossed = await door.post({ ...ofDefault, path: '/webhooks/stripe/cairo' })
    await expectRefused(crossed, 401, 'signature_invalid')
  })
})

/** Refused, as RFC 9457 has it. */
async function expectRefused(answer: Answer, status: number, code: string): Promise<void> {
  expect(answer.status).toBe(status)
  expect(answer.headers.get('content-type')).toBe('application/problem+json')
  expect(answer.headers.get('cache-control')).toBe('no-store')
  expect(answer.body).toMatchObject({
    type: `urn:onceline:problem:${code}`,
    title: expect.stringMatching(/./),
    detail: expect.stringMatching(/./),
    status,
    code,
    requestId: expect.stringMatching(/^[A-Za-z0-9._-]{1,64}$/),
  })
}

/** Nothing is stored meanwhile, one delivery is counted under this label, and one log line names the code. */
async function expectCountedOnly(label: string, code: string, act: () => Promise<void>): Promise<void> {
  const name = `onceline_webhook_deliveries_total{${label},verdict="${code}"}`
  const before = await Promise.all([countOf(database.pool, 'webhook_events'), countIn(name)])
  const linesBefore = door.lines.length
  await act()
  expect(await countOf(database.pool, 'webhook_events'), 'nothing is stored').toBe(before[0])
  expect(await countIn(name), name).toBe(before[1] + 1)
  const told = door.lines.slice(linesBefore).map((line) => JSON.parse(line))
  expect(told.filter((line) => line.msg === 'webhook refused')).toMatchObject([
    { level: 'warn', code, requestId: expect.any(String) },
  ])
}

async function countIn(name: string): Promise<number> {
  const [line] = await door.metrics(name)
  return Number(line?.split(' ')[1] ?? 0)
}

describe('a refusal', () => {
  it.each([
    ['/webhooks/unknown', 'an unknown gateway'],
    ['/webhooks/stripe/unknown', 'an unknown account'],
    ['/webhooks/__proto__', 'a name of the language'],
    ['/webhooks/constructor/default', 'another'],
  ])('404 for %s: %s', async (path) => {
    await expectCountedOnly('gateway="unknown"', 'gateway_unknown', async () => {
      const delivery = door.delivery('stripe', { merchantRef: newRef() })
      await expectRefused(await door.post({ ...delivery, path }), 404, 'gateway_unknown')
    })
  })

  it.each([
    ['signature_missing', (signature: string) => signature.slice(0, 0), 0],
    [
      'signature_invalid',
      (signature: string) => signature.replace(/.$/, (end) => (end === '0' ? '1' : '0')),
      0,
    ],
    ['signature_expired', (signature: string) => signature, 301_000],
    ['signature_expired', (signature: string) => signature, -301_000],
  ])('401 %s', async (code, change, ageMs) => {
    await expectCountedOnly('gateway="stripe"', code, async () => {
      const delivery = door.delivery('stripe', { merchantRef: newRef(), nowMs: Date.now() - ageMs })
      const signature = change(delivery.headers['stripe-signature'] ?? '')
      await expectRefused(await door.post(delivery, { 'stripe-signature': signature }), 401, code)
    })
  })

  it.each([
    ['malformed_body', 'not json'],
    ['malformed_body', ''],
    ['malformed_body', '[]'],
    ['event_id_missing', '{"object":"event","type":"x","data":{"object":{}}}'],
  ])('400 %s for the rightly signed body %j', async (code, text) => {
    await expectCountedOnly('gateway="stripe"', code, async () => {
      const { signStripe } = await import('../src/webhooks/gateways/samples/stripe.ts')
      const delivery = door.delivery('stripe', { merchantRef: newRef() })
      const body = Buffer.from(text)
      const signature = signStripe(body, Math.floor(Date.now() / 1_000), door.secrets.stripe)
      await expectRefused(
        await door.post({ ...delivery, body }, { 'stripe-signature': signature }),
        400,
        code,
      )
    })
  })

  it.each(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])(
    '405 for %s, with what is allowed',
    async (method) => {
      await expectCountedOnly('gateway="stripe"', 'method_not_allowed', async () => {
        const response = await fetch(`${door.url}/webhooks/stripe`, { method })
        const { status, headers } = response
        expect(headers.get('allow')).toBe('POST')
        const body = method === 'HEAD' ? null : ((await response.json()) as Answer['body'])
        if (body) await expectRefused({ status, headers, body }, 405, 'method_not_allowed')
        expect(status).toBe(405)
      })
    },
  )

  it.each([
    '/',
    '/webhooks',
    '/webhooks/',
    '/webhooks/stripe/',
    '/webhooks/stripe/a/b',
    '/metrics/x',
    '/%00',
  ])('404 for the path %s', async (path) => {
    const delivery = door.delivery('stripe', { merchantRef: newRef() })
    await expectRefused(await door.post({ ...delivery, path }), 404, 'not_found')
  })

  it('400 for a request line or a host that is none', async () => {
    for (const [path, host] of [
      ['/webhooks/stripe', 'a b'],
      ['/webhooks\\stripe', 'localhost'],
      ['http://', 'localhost'],
    ]) {
      const connection = await RawConnection.open(door.port)
      connection.send(`POST ${path} HTTP/1.1\r\nhost: ${host}\r\ncontent-length: 0\r\n\r\n`)
      const answer = await connection.answer()
      connection.end()
      const headers = new Headers(answer.headers)
      await expectRefused(
        { status: answer.status, headers, body: JSON.parse(answer.body) },
        400,
        'malformed_request',
      )
    }
  })
})

describe('the request id', () => {
  it.each(['with blank', 'x'.repeat(65), 'inject"', 'Ünïcode', ''])('%j is replaced', async (given) => {
    const delivery = { ...door.delivery('stripe', { merchantRef: newRef() }), path: '/webhooks/unknown' }
    const connection = await RawConnection.open(door.port)
    connection.send(headOf(delivery, 'content-length: 0', [`x-request-id: ${given}`]))
    const { body } = await connection.answer()
    connection.end()
    expect(JSON.parse(body).requestId).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
  })

  it('is taken over in refusals and in the log', async () => {
    const delivery = { ...door.delivery('stripe', { merchantRef: newRef() }), path: '/webhooks/unknown' }
    const answer = await door.post(delivery, { 'x-request-id': 'trace-42' })
    expect(answer.body.requestId).toBe('trace-42')
    expect(door.lines.at(-1)).toContain('"requestId":"trace-42"')
  })
})
