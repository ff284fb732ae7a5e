import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openApp, type TestApp } from './support/app.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { HttpFront } from './support/http-front.ts'
import { runPhp } from './support/php.ts'
import { type Call, callsInPhp, phpOrNotice } from './support/php-calls.ts'

const EXAMPLE = join(import.meta.dirname, '../docs/laravel/example.php')
const php = phpOrNotice('OncelineClient.php against a real service')

describe.skipIf(php === undefined)('OncelineClient.php against a real service', () => {
  let database: TestDatabase
  let app: TestApp
  let front: HttpFront

  beforeAll(async () => {
    database = await testDatabase('php-client')
    app = await openApp(database)
    front = await HttpFront.open(app.url)
  })

  afterAll(async () => {
    await front?.close()
    await app?.stop()
    await database?.drop()
  })

  beforeEach(() => front.play())

  async function call(calls: readonly Call[], options: Readonly<Record<string, number>> = {}) {
    return callsInPhp(php, calls, { url: front.url, apiKey: app.internalKey, options })
  }

  function payment(merchantRef: string, more: Readonly<Record<string, unknown>> = {}) {
    return { gateway: 'kashier', merchantRef, amountMinor: 15_000, currency: 'EGP', ...more }
  }

  async function registered(merchantRef: string): Promise<number> {
    const sql = 'SELECT COUNT(*) AS n FROM payments WHERE merchant_ref = ?'
    const [rows] = await database.pool.query(sql, [merchantRef])
    return Number((rows as { n: string }[])[0]?.n)
  }

  const statuses = () => front.requests.map(({ status }) => status)
  const keys = () => new Set(front.requests.map(({ key }) => key))
  const unavailable = (headers: Readonly<Record<string, string>> = {}) =>
    ({ kind: 'answer', status: 503, headers, body: 'away' }) as const

  it('registers a payment, and the same payment once', async () => {
    const expected = payment('رحلة-1', { tripId: 'trip-1' })
    const [first, again] = await call([
      ['registerPayment', expected],
      ['registerPayment', expected],
    ])
    expect(first?.returned).toMatchObject({ state: 'created', expectedMinor: 15_000, merchantRef: 'رحلة-1' })
    expect(again).toEqual(first)
    expect(statuses()).toEqual([201, 200])
    expect([keys().size, await registered('رحلة-1')]).toEqual([2, 1])
  })

  it('attaches the reference of the gateway, and shows what became of the payment', async () => {
    const [created] = await call([['registerPayment', payment('T-2')]])
    const id = created?.returned.id
    const [attached, shown, unknown] = await call([
      ['attachGatewayRef', id, 'GW-2'],
      ['showPayment', id],
      ['showPayment', randomUUID()],
    ])
    expect(attached?.returned).toMatchObject({ id, gatewayRef: 'GW-2' })
    expect(shown?.returned).toMatchObject({ payment: attached?.returned, balanced: true, events: [] })
    expect(unknown?.thrown).toMatchObject({ problemCode: 'payment_unknown', status: 404, isUndecided: false })
  })

  it.each(['cut-before', 'cut-after', 'cut-short'] as const)(
    'sends the same again under the same key when the link is cut (%s), and registers once',
    async (kind) => {
      front.play({ kind }, { kind })
      const [outcome] = await call([['registerPayment', payment(kind)]])
      expect(outcome?.returned).toMatchObject({ merchantRef: kind, state: 'created' })
      expect(statuses()).toEqual(kind === 'cut-before' ? [null, null, 201] : [201, 201, 201])
      expect(keys().size).toBe(1)
      expect(new Set(front.requests.map(({ body }) => body)).size).toBe(1)
      expect(await registered(kind)).toBe(1)
    },
  )

  it('takes half a refusal for no answer: which one it was nobody knows', async () => {
    const headers = { 'content-type': 'application/problem+json' }
    const half = { kind: 'answer', status: 409, headers, body: '{"code":"idempotency_in_fl' } as const
    front.play(half)
    const [outcome] = await call([['registerPayment', payment('T-8')]])
    expect(outcome?.returned).toMatchObject({ merchantRef: 'T-8' })
    expect([statuses(), keys().size]).toEqual([[null, 201], 1])

    front.play(half)
    const [tired] = await call([['registerPayment', payment('T-8')]], { attempts: 1 })
    expect(tired?.thrown).toMatchObject({
      status: 409,
      problemCode: 'answer_unreadable',
      isUndecided: true,
    })
  })

  it('keeps the key it is given', async () => {
    const [first, again, other] = await call([
      ['registerPayment', payment('T-3'), 'job-3'],
      ['registerPayment', payment('T-3'), 'job-3'],
      ['registerPayment', payment('T-3', { amountMinor: 1 }), 'job-3'],
    ])
    expect(again).toEqual(first)
    expect(statuses()).toEqual([201, 201, 422])
    expect(other?.thrown).toMatchObject({ problemCode: 'idempotency_mismatch', idempotencyKey: 'job-3' })
  })

  it('waits as long as it is asked to while the service is away or the first request is in flight', async () => {
    const body = JSON.stringify({ code: 'idempotency_in_flight', detail: 'not finished' })
    const headers = { 'content-type': 'application/problem+json', 'retry-after': '1' }
    front.play(unavailable({ 'retry-after': '1' }), { kind: 'answer', status: 409, headers, body })
    const [outcome] = await call([['registerPayment', payment('T-4')]])
    expect(outcome?.returned).toMatchObject({ merchantRef: 'T-4' })
    expect(statuses()).toEqual([null, null, 201])
    expect(keys().size).toBe(1)
    const [first = 0, second = 0, third = 0] = front.requests.map(({ atMs }) => atMs)
    expect(Math.min(second - first, third - second)).toBeGreaterThan(990)
  })

  it('gives up after so many attempts, and at once when it is asked to wait for too long', async () => {
    front.play(...Array.from({ length: 9 }, () => unavailable()))
    const [tired] = await call([['registerPayment', payment('T-5')]], { attempts: 3 })
    expect(tired?.thrown).toMatchObject({ status: 503, problemCode: 'unexpected_answer', isUndecided: true })
    expect(tired?.thrown?.idempotencyKey).toBe(front.requests[0]?.key)
    expect(front.requests).toHaveLength(3)

    front.play(unavailable({ 'retry-after': '60' }))
    const [asked] = await call([['registerPayment', payment('T-5')]])
    expect(asked?.thrown).toMatchObject({ status: 503, retryAfterSeconds: 60 })
    expect(front.requests).toHaveLength(1)
    const nobody = { url: 'http://127.0.0.1:1', apiKey: app.internalKey, options: { attempts: 2 } }
    const [unheard] = await callsInPhp(php, [['registerPayment', payment('T-5')]], nobody)
    expect(unheard?.thrown).toMatchObject({ status: 0, problemCode: 'no_answer', isUndecided: true })
  })

  it('throws what was refused, by name, and does not ask again', async () => {
    const [, differs, invalid] = await call([
      ['registerPayment', payment('T-6')],
      ['registerPayment', payment('T-6', { amountMinor: 1, tripId: 'elsewhere' })],
      ['registerPayment', { ...payment('T-7', { amountMinor: 0 }), price: 5 }],
    ])
    expect(differs?.thrown).toMatchObject({
      problemCode: 'payment_differs',
      status: 409,
      fields: ['amountMinor', 'tripId'],
      requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      isUndecided: false,
    })
    expect(invalid?.thrown).toMatchObject({ problemCode: 'invalid_request', status: 400 })
    const errors = invalid?.thrown?.errors as { field: string; message: string }[]
    expect(errors.map(({ field }) => field).sort()).toEqual(['amountMinor', 'price'])
    expect(statuses()).toEqual([201, 409, 400])
  })

  it('is refused with a wrong key, and never says the key', async () => {
    const apiKey = 'internal-key-that-is-wrong'
    const target = { url: front.url, apiKey, options: {} }
    const [outcome] = await callsInPhp(php, [['showPayment', randomUUID()]], target)
    expect(outcome?.thrown).toMatchObject({ problemCode: 'access_refused', status: 403 })
    expect(JSON.stringify(outcome)).not.toContain(apiKey)
  })

  it('puts no header in the place of a key', async () => {
    const [outcome] = await call([['registerPayment', payment('T-8'), 'a\r\nX-Other: b']])
    expect(outcome?.thrown?.message).toMatch(/visible ASCII/)
    expect(front.requests).toHaveLength(0)
  })

  it('runs the example', async () => {
    if (php === undefined) throw new Error('there is no PHP')
    const env = { ONCELINE_URL: app.url, INTERNAL_API_KEY: app.internalKey }
    const run = (amount: string) => runPhp(php, [EXAMPLE, 'kashier', 'trip-42', amount, 'EGP'], { env })
    const first = await run('15000')
    expect(first).toMatchObject({ status: 0, stderr: '' })
    expect(JSON.parse(first.stdout)).toMatchObject({ merchantRef: 'trip-42', expectedMinor: 15_000 })
    expect(await run('15000')).toEqual(first)
    const refused = await run('0')
    expect(refused).toMatchObject({ status: 1, stdout: '' })
    expect(refused.stderr).toMatch(/^invalid_request: .*\(request [0-9a-f-]{36}\)\n {2}amountMinor: /)
  })
})
