import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { manualClock, systemClock } from '../src/base/clock.ts'
import { idFromText } from '../src/base/ids.ts'
import { confirmableAccounts } from '../src/webhooks/asking/asked-accounts.ts'
import { Confirmations } from '../src/webhooks/asking/confirmations.ts'
import type { GatewayAccount } from '../src/webhooks/gateways/adapter.ts'
import { adapters } from '../src/webhooks/gateways/registry.ts'
import { buildDelivery, samples } from '../src/webhooks/gateways/samples/samples.ts'
import { openApp, type TestApp } from './support/app.ts'
import { countOf, expectBooksAgree, fateOf, ledgerOf, standingOf } from './support/books.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { FakeGatewayApi } from './support/gateway-apis.ts'
import { expected, Processing } from './support/processing.ts'

const PAID_AT = '2026-09-21T14:13:20Z'
const clock = manualClock(Date.parse(PAID_AT))
const ACCOUNT = 'asked'

let database: TestDatabase
let here: Processing
let api: FakeGatewayApi
let door: TestApp
let accounts: readonly GatewayAccount[]

beforeAll(async () => {
  database = await testDatabase('hints')
  here = new Processing(database)
  api = await new FakeGatewayApi().open()
  const of = (gateway: string, secrets: readonly string[], settings: Record<string, string>) => ({
    gateway,
    account: ACCOUNT,
    secrets,
    settings: { API_URL: api.url, ...settings },
  })
  accounts = [
    of('mollie', [], { API_KEY: 'live_1' }),
    of('mercadopago', ['secret-1'], { ACCESS_TOKEN: 'APP_USR-1' }),
    of('gocardless', ['secret-1'], { ACCESS_TOKEN: 'live_1' }),
  ]
  door = await openApp(database, { working: false, otherAccounts: accounts, clock })
})
afterAll(async () => {
  await expectBooksAgree(database.pool)
  await door?.stop()
  await api?.close()
  await here?.close()
  await database?.drop()
})
beforeEach(() => {
  api.asked.length = 0
})

async function take(gateway: string, gatewayRef: string, merchantRef: string) {
  const secret = accounts.find((account) => account.gateway === gateway)?.secrets[0] ?? ''
  const currency = samples.get(gateway)?.currency ?? ''
  const money = { amountMinor: 10_000n, currency }
  const spec = {
    kind: 'captured' as const,
    merchantRef,
    gatewayRef,
    operationRef: `op-${gatewayRef}`,
    ...money,
  }
  return door.post(buildDelivery(gateway, { ...spec, nowMs: clock.nowMs(), secret, account: ACCOUNT }))
}

/** A hint is asked about when its ten seconds are over; here they are. */
async function ask(): Promise<void> {
  await here.pool.query("UPDATE webhook_events SET next_at = UTC_TIMESTAMP(3) WHERE state = 'unconfirmed'")
  const book = new Map(accounts.map((account) => [account.gateway, new Map([[ACCOUNT, account]])]))
  await new Confirmations({
    pool: here.pool,
    log: here.log,
    commit: here.commit,
    accounts: confirmableAccounts(adapters, book, systemClock),
    ring: (ids) => void here.rung.push(...ids),
  }).runOnce()
  await here.drain()
}

/** What each API says of the payment of 100.00 that it is asked for. */
const ANSWERS: Readonly<Record<string, (id: string) => unknown>> = {
  mollie: (id) => ({ id, status: 'paid', amount: { currency: 'EUR', value: '100.00' }, paidAt: PAID_AT }),
  mercadopago: (id) => ({
    id: Number(id),
    status: 'approved',
    transaction_amount: 100,
    currency_id: 'BRL',
    date_approved: PAID_AT,
  }),
  gocardless: (id) => ({ payments: { id, status: 'confirmed', amount: 10_000, currency: 'GBP' } }),
}

it.each([
  [
    'mollie',
    'tr_5B8cwPMGnU6qLbRvo7qEZo',
    'EUR',
    'GET /v2/payments/tr_5B8cwPMGnU6qLbRvo7qEZo?embed=refunds,chargebacks',
  ],
  ['mercadopago', '1234567890', 'BRL', 'GET /v1/payments/1234567890'],
  ['gocardless', 'PM123', 'GBP', 'GET /payments/PM123'],
])('%s: a hint moves nothing, and the answer moves it once', async (gateway, id, currency, path) => {
  const payment = expected({ gateway, account: ACCOUNT, gatewayRef: id, currency })
  await here.register(payment)
  const answer = await take(gateway, id, payment.merchantRef)
  expect(answer).toMatchObject({ status: 200, body: { verdict: 'stored' } })
  const event = idFromText((answer.body.eventIds as string[])[0] ?? '')
  if (event === null) return expect.fail('an id was told')
  expect(await fateOf(here.pool, event)).toBe('unconfirmed/confirmation_needed')
  await here.processor.process([event])
  expect(await standingOf(here.pool, payment.merchantRef)).toBe('created 0 v0')

  api.answer = () => ({ json: ANSWERS[gateway]?.(id) })
  await ask()
  expect(api.asked.map((asked) => asked.path)).toEqual([path])
  expect(await fateOf(here.pool, event)).toBe('processed/applied')
  expect(await standingOf(here.pool, payment.merchantRef)).toBe('captured 10000 v1')
  const ledger = await ledgerOf(here.pool, payment.merchantRef)

  expect(await take(gateway, id, payment.merchantRef)).toMatchObject({ body: { verdict: 'duplicate' } })
  await ask()
  expect(api.asked).toHaveLength(1)
  expect(await ledgerOf(here.pool, payment.merchantRef)).toEqual(ledger)
})

it('mollie: a later hint is asked about anew, and a refund that the API tells then is booked', async () => {
  const id = 'tr_refunded'
  const payment = expected({ gateway: 'mollie', account: ACCOUNT, gatewayRef: id, currency: 'EUR' })
  await here.register(payment)
  await take('mollie', id, payment.merchantRef)
  api.answer = () => ({ json: ANSWERS.mollie?.(id) })
  await ask()
  clock.advance(3_600_000)
  expect(await take('mollie', id, payment.merchantRef)).toMatchObject({ body: { verdict: 'stored' } })
  const createdAt = new Date(clock.nowMs()).toISOString()
  const refund = { id: 're_1', status: 'refunded', amount: { currency: 'EUR', value: '40.00' }, createdAt }
  api.answer = () => ({ json: { ...(ANSWERS.mollie?.(id) as object), _embedded: { refunds: [refund] } } })
  await ask()
  expect(await standingOf(here.pool, payment.merchantRef)).toBe('partially_refunded 10000 v2')
})

const refunded = (id: string, value: string) => ({
  id,
  status: 'refunded',
  amount: { currency: 'EUR', value },
  createdAt: new Date(clock.nowMs()).toISOString(),
})

it('mollie: one hint tells of two refunds and of a capture whose own was lost: all three are booked, once', async () => {
  const id = 'tr_refundedTwice'
  const payment = expected({ gateway: 'mollie', account: ACCOUNT, gatewayRef: id, currency: 'EUR' })
  await here.register(payment)
  const refunds = [refunded('re_3', '40.00'), refunded('re_4', '25.00')]
  api.answer = () => ({ json: { ...(ANSWERS.mollie?.(id) as object), _embedded: { refunds } } })
  await take('mollie', id, payment.merchantRef)
  await ask()
  expect(await standingOf(here.pool, payment.merchantRef)).toBe('partially_refunded 10000 v3')
  const ledger = await ledgerOf(here.pool, payment.merchantRef)
  const events = await countOf(here.pool, 'webhook_events')

  clock.advance(60_000)
  await take('mollie', id, payment.merchantRef)
  await ask()
  expect(await ledgerOf(here.pool, payment.merchantRef)).toEqual(ledger)
  expect(await countOf(here.pool, 'webhook_events')).toBe(events + 1)
})

it('mollie: a refund that was asked for first and done last is booked all the same', async () => {
  const id = 'tr_refundedLate'
  const payment = expected({ gateway: 'mollie', account: ACCOUNT, gatewayRef: id, currency: 'EUR' })
  await here.register(payment)
  const first = refunded('re_5', '40.00')
  clock.advance(3_600_000)
  const second = refunded('re_6', '25.00')
  for (const status of ['pending', 'refunded']) {
    const refunds = [{ ...first, status }, second]
    api.answer = () => ({ json: { ...(ANSWERS.mollie?.(id) as object), _embedded: { refunds } } })
    clock.advance(60_000)
    await take('mollie', id, payment.merchantRef)
    await ask()
  }
  expect(await standingOf(here.pool, payment.merchantRef)).toBe('partially_refunded 10000 v3')
})

it('mollie: whoever posts an id that the API does not know moves nothing', async () => {
  const payments = await countOf(here.pool, 'payments')
  const answer = await take('mollie', 'tr_invented', 'nobody')
  api.answer = () => ({ status: 404, json: { status: 404 } })
  await ask()
  const event = idFromText((answer.body.eventIds as string[])[0] ?? '')
  if (event === null) return expect.fail('an id was told')
  expect(await fateOf(here.pool, event)).toBe('quarantined/gateway_denies')
  expect(await countOf(here.pool, 'payments')).toBe(payments)
})
