import { afterAll, beforeAll, expect, it } from 'vitest'
import { openPool, type Pool } from '../db/pools.ts'
import { systemClock } from '../src/base/clock.ts'
import { listedAccounts } from '../src/webhooks/asking/asked-accounts.ts'
import { MissedEvents } from '../src/webhooks/asking/missed-events.ts'
import { newEvent } from '../src/webhooks/event.ts'
import type { GatewayAccount } from '../src/webhooks/gateways/adapter.ts'
import { buildDelivery, newSecret } from '../src/webhooks/gateways/samples/samples.ts'
import { stripe } from '../src/webhooks/gateways/stripe.ts'
import { GroupCommit } from '../src/webhooks/group-commit.ts'
import { countOf, expectBooksAgree, standingOf } from './support/books.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { FakeGatewayApi } from './support/gateway-apis.ts'
import { received } from './support/gateway-deliveries.ts'
import { expected, Processing, store } from './support/processing.ts'

const secret = newSecret('stripe')
let database: TestDatabase
let here: Processing
let ingest: Pool
let api: FakeGatewayApi
let account: GatewayAccount

beforeAll(async () => {
  database = await testDatabase('stripe-lister')
  here = new Processing(database)
  ingest = openPool(database.address, { connectionLimit: 2, lockWaitSeconds: 1, countChangedRows: true })
  api = await new FakeGatewayApi().open()
  const settings = { API_KEY: 'rk_test_1', API_URL: api.url }
  account = { gateway: 'stripe', account: 'default', secrets: [secret], settings }
})
afterAll(async () => {
  await expectBooksAgree(database.pool)
  await api?.close()
  await here?.close()
  await ingest?.end()
  await database?.drop()
})

/** The delivery of a capture, as Stripe signs it; its body is also what the API lists. */
function captureOf(merchantRef: string) {
  const spec = { kind: 'captured', merchantRef, operationRef: `ch_${merchantRef}` } as const
  const money = { amountMinor: 10_000n, currency: 'EGP', nowMs: Date.now(), secret }
  const delivery = received(buildDelivery('stripe', { ...spec, ...money }))
  return { delivery, listed: JSON.parse(delivery.body.toString()) as { readonly id: string } }
}

function missedEvents(): MissedEvents {
  const accounts = listedAccounts(
    new Map([['stripe', stripe]]),
    new Map([['stripe', new Map([['default', account]])]]),
    systemClock,
  )
  const commit = new GroupCommit({
    pool: ingest,
    onStored: (ids) => void here.rung.push(...ids),
    onBatch: () => undefined,
  })
  const pace = { lookbackSeconds: 3_600, settleSeconds: 60, intervalSeconds: 0 }
  return new MissedEvents({ pool: here.pool, log: here.log, commit, accounts, pace })
}

it('an event that Stripe lists and never sent is found on a later page and takes effect once; one that came is a duplicate', async () => {
  const [came, missing] = [expected({ gateway: 'stripe' }), expected({ gateway: 'stripe' })]
  await here.register(came)
  await here.register(missing)
  const first = captureOf(came.merchantRef)
  const lost = captureOf(missing.merchantRef)
  const accepted = stripe.receive(first.delivery, account, Date.now())
  if (accepted.kind !== 'accepted') return expect.fail('refused')
  const context = { gateway: 'stripe', account: 'default', requestId: 'r', signature: accepted.signature }
  await here.take(
    ...accepted.events.map((event) => newEvent(stripe, event, { ...context, delivery: first.delivery })),
  )

  api.answer = (path) =>
    path.includes('starting_after=')
      ? { json: { object: 'list', data: [lost.listed], has_more: false } }
      : { json: { object: 'list', data: [first.listed], has_more: true } }
  const missed = missedEvents()
  expect(await missed.runOnce()).toBe(1)
  await here.drain()
  for (const { merchantRef } of [came, missing])
    expect(await standingOf(here.pool, merchantRef)).toBe('captured 10000 v1')
  expect(api.asked.map(({ headers }) => headers.authorization)).toEqual([
    'Bearer rk_test_1',
    'Bearer rk_test_1',
  ])
  expect(api.asked[1]?.path).toContain(`starting_after=${first.listed.id}`)

  const before = await countOf(here.pool, 'webhook_events')
  expect(await missed.runOnce()).toBe(0)
  const late = stripe.receive(lost.delivery, account, Date.now())
  if (late.kind !== 'accepted') return expect.fail('refused')
  await store(
    here.pool,
    ...late.events.map((event) => newEvent(stripe, event, { ...context, delivery: lost.delivery })),
  )
  expect(await countOf(here.pool, 'webhook_events')).toBe(before)
})

it('a list that breaks off is looked at again, from where the last good look ended', async () => {
  api.asked.length = 0
  api.answer = () => ({ breaksOff: true })
  const missed = missedEvents()
  expect(await missed.runOnce()).toBe(0)
  api.answer = () => ({ json: { object: 'list', data: [], has_more: false } })
  expect(await missed.runOnce()).toBe(0)
  const from = api.asked.map(({ path }) => new URL(path.slice('GET '.length), api.url).searchParams)
  expect(Number(from[1]?.get('created[gte]'))).toBeLessThanOrEqual(Number(from[0]?.get('created[gte]')) + 5)
})
