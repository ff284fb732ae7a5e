import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { PAYMENT, PAYMENT_HISTORY } from '../src/laravel/payment-schemas.ts'
import { openApp, type TestApp } from './support/app.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { callInternal, postInternal } from './support/internal-api.ts'

let database: TestDatabase
let app: TestApp

beforeAll(async () => {
  database = await testDatabase('internal-payments')
  app = await openApp(database)
})

afterAll(async () => {
  await app?.stop()
  await database?.drop()
})

const call = (method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>) =>
  callInternal(app, method, path, body, headers)

function payment(merchantRef: string, more: Readonly<Record<string, unknown>> = {}) {
  return { gateway: 'kashier', merchantRef, amountMinor: 10_000, currency: 'EGP', ...more }
}

const register = (body: unknown, key?: string) => postInternal(app, '/internal/payments', body, key)

describe('POST /internal/payments', () => {
  it('registers a payment, as it is described', async () => {
    const { status, headers, json } = await register(payment('T-1', { tripId: 'trip-1', customerId: 'c-1' }))
    expect(status).toBe(201)
    expect(PAYMENT.strict().parse(json)).toMatchObject({
      gateway: 'kashier',
      account: 'default',
      state: 'created',
      expectedMinor: 10_000,
      tripId: 'trip-1',
      customerId: 'c-1',
      driverId: null,
    })
    expect(json.createdAt).not.toMatch(/^1970/)
    expect(headers.get('location')).toBe(`/internal/payments/${json.id}`)
  })

  it('answers the same key with the same bytes, and registers once', async () => {
    const key = randomUUID()
    const replies = await Promise.all(Array.from({ length: 20 }, () => register(payment('T-2'), key)))
    expect(new Set(replies.map(({ text }) => text)).size).toBe(1)
    expect(replies.every(({ status }) => status === 201)).toBe(true)
    expect(replies.filter(({ headers }) => headers.get('idempotent-replayed') === 'true')).toHaveLength(19)
    const [rows] = await database.pool.query("SELECT COUNT(*) AS n FROM payments WHERE merchant_ref = 'T-2'")
    expect(Number((rows as { n: string }[])[0]?.n)).toBe(1)
  })

  it('knows the payment under a new key, and refuses other content by name', async () => {
    const first = await register(payment('T-3'))
    const again = await register(payment('T-3'))
    expect([again.status, again.json]).toEqual([200, first.json])
    const other = await register(payment('T-3', { amountMinor: 1, tripId: 'elsewhere' }))
    expect([other.status, other.json.code, other.json.fields]).toEqual([
      409,
      'payment_differs',
      ['amountMinor', 'tripId'],
    ])
  })

  it('refuses a gateway reference that belongs to another payment', async () => {
    await register(payment('T-4', { gatewayRef: 'GW-4' }))
    const { status, json } = await register(payment('T-5', { gatewayRef: 'GW-4' }))
    expect([status, json.code]).toEqual([409, 'reference_taken'])
  })

  it.each<[string, unknown, string[]]>([
    ['what is missing', { gateway: 'kashier' }, ['amountMinor', 'currency', 'merchantRef']],
    ['what is unknown', payment('T-6', { amount: 5 }), ['amount']],
    ['a fraction of a piastre', payment('T-6', { amountMinor: 1.5 }), ['amountMinor']],
    ['nothing owed', payment('T-6', { amountMinor: 0 }), ['amountMinor']],
    ['an amount as text', payment('T-6', { amountMinor: '10000' }), ['amountMinor']],
    ['an amount beyond all fares', payment('T-6', { amountMinor: 1e16 }), ['amountMinor']],
    ['a currency that is none', payment('T-6', { currency: 'egp' }), ['currency']],
    ['blanks around a reference', payment(' T-6'), ['merchantRef']],
    ['a reference of too many bytes', payment('é'.repeat(128)), ['merchantRef']],
    ['a gateway that is not configured', payment('T-6', { gateway: 'nobody' }), ['gateway']],
    ['an account that is not configured', payment('T-6', { account: 'cairo' }), ['account']],
    ['an id that is none', payment('T-6', { driverId: 'a b' }), ['driverId']],
    ['what is no object', [], ['']],
  ])('refuses %s and names it, and the key stays free', async (_, body, fields) => {
    const key = randomUUID()
    const { status, headers, json } = await register(body, key)
    expect(status).toBe(400)
    expect(headers.get('content-type')).toBe('application/problem+json')
    expect(json.code).toBe('invalid_request')
    const named = new Set<string>(json.errors.map(({ field }: { field: string }) => field))
    expect([...named].sort()).toEqual(fields)
    expect((await register(payment(`T-${key}`), key)).status).toBe(201)
  })

  it('takes up at once what a webhook has said before', async () => {
    await app.post(app.delivery('kashier', { merchantRef: 'T-7' }))
    await vi.waitFor(async () => {
      const [rows] = await database.pool.query("SELECT state FROM webhook_events WHERE merchant_ref = 'T-7'")
      expect((rows as { state: string }[])[0]?.state).toBe('parked')
    }, 10_000)
    const { json } = await register(payment('T-7'))
    await vi.waitFor(async () => {
      const { json: shown } = await call('GET', `/internal/payments/${json.id}`)
      expect(shown.payment.state).toBe('captured')
    }, 10_000)
  })

  it('is for those who have the key, with an Idempotency-Key', async () => {
    expect((await register(payment('T-8'), 'a key')).json.code).toBe('idempotency_key_invalid')
    const keyless = await call('POST', '/internal/payments', payment('T-8'))
    expect([keyless.status, keyless.json.code]).toEqual([400, 'idempotency_key_missing'])
    const stranger = await call('POST', '/internal/payments', payment('T-8'), {
      'x-api-key': 'wrong',
      'idempotency-key': randomUUID(),
    })
    expect(stranger.status).toBe(403)
    const [rows] = await database.pool.query("SELECT 1 FROM payments WHERE merchant_ref = 'T-8'")
    expect(rows).toEqual([])
  })
})

describe('PATCH /internal/payments/:id', () => {
  it('adds the gateway reference once', async () => {
    const { json } = await register(payment('T-20'))
    const path = `/internal/payments/${json.id}`
    const patched = await call('PATCH', path, { gatewayRef: 'GW-20' })
    expect([patched.status, patched.json.gatewayRef]).toEqual([200, 'GW-20'])
    expect((await call('PATCH', path, { gatewayRef: 'GW-20' })).status).toBe(200)
    const other = await call('PATCH', path, { gatewayRef: 'GW-21' })
    expect([other.status, other.json.code]).toEqual([409, 'payment_differs'])
    expect((await call('PATCH', path, { gatewayRef: 'GW-20', state: 'captured' })).json.errors).toEqual([
      { field: 'state', message: 'unknown field' },
    ])
  })

  it('knows no payment that is not there', async () => {
    const { status, json } = await call('PATCH', `/internal/payments/${randomUUID()}`, { gatewayRef: 'GW' })
    expect([status, json.code]).toEqual([404, 'payment_unknown'])
  })
})

describe('GET /internal/payments/:id', () => {
  it('shows state, history, ledger and events, as it is described', async () => {
    const { json } = await register(payment('T-30'))
    await app.post(app.delivery('kashier', { merchantRef: 'T-30' }))
    await vi.waitFor(async () => {
      const shown = await call('GET', `/internal/payments/${json.id}`)
      const history = PAYMENT_HISTORY.parse(shown.json)
      expect(history.payment).toMatchObject({ state: 'captured', capturedMinor: 10_000 })
      expect(history.transitions.map(({ to }) => to)).toEqual(['captured'])
      expect(history.ledger.reduce((sum, { amountMinor }) => sum + amountMinor, 0)).toBe(0)
      expect(history.balanced).toBe(true)
      expect(history.events.map(({ state, outcome }) => [state, outcome])).toEqual([['processed', 'applied']])
    }, 10_000)
  })

  it.each(['nonsense', randomUUID()])('knows nothing of %s', async (id) => {
    const { status, json } = await call('GET', `/internal/payments/${id}`)
    expect([status, json.code]).toEqual([404, 'payment_unknown'])
  })
})
