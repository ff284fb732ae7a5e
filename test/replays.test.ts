import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RowDataPacket } from '../db/rows.ts'
import type { PaymentFact } from '../src/payments/fact.ts'
import { storeConfirmed } from '../src/webhooks/asking/confirm-store.ts'
import { adapters } from '../src/webhooks/gateways/registry.ts'
import { type SampleDelivery, samples } from '../src/webhooks/gateways/samples/samples.ts'
import { openApp, type TestApp } from './support/app.ts'
import { expectBooksAgree, ledgerOf, standingOf } from './support/books.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { expected, Processing } from './support/processing.ts'
import { SIGNED_FIELDS } from './support/signatures.ts'

/**
 * A delivery that is sent again has one effect, whatever in it may be changed without its signature: at the whole door, on the
 * real database, with what the gateway would confirm confirmed each time.
 */
let database: TestDatabase
let here: Processing
let app: TestApp

beforeAll(async () => {
  database = await testDatabase('replays')
  here = new Processing(database)
  app = await openApp(database, { working: false })
})
afterAll(async () => {
  if (database) await expectBooksAgree(database.pool)
  await app?.stop()
  await here?.close()
  await database?.drop()
})

const NOW_MS = Date.now()

describe.each([...adapters.keys()])('%s', (gateway) => {
  const sample = samples.get(gateway) ?? expect.fail('no sample')
  const spec = {
    kind: 'captured' as const,
    merchantRef: `trip-${gateway}`,
    gatewayRef: `order_${gateway.replaceAll('-', '')}`,
    operationRef: '1000001',
    amountMinor: 12_300n,
    currency: sample.currency,
  }
  const build = (nowMs: number, eventId?: string) =>
    app.delivery(gateway, { ...spec, nowMs, ...(eventId === undefined ? {} : { eventId }) })

  it('one event of what is sent again with other ids, headers and bytes, and one effect of it', async () => {
    const genuine = build(NOW_MS)
    await sendAll(replaysOf(gateway, genuine))
    expect(await storedOf(gateway)).toHaveLength(1)
    await settle(gateway)
    const effect = await effectOf(gateway)
    expect(effect.standing).toBe('captured 12300 v1')
    expect(effect.ledger).toEqual([
      `gateway_receivable 12300 ${sample.currency}`,
      `rider_payments -12300 ${sample.currency}`,
    ])

    await sendAll(replaysOf(gateway, genuine))
    // Gateways repeat after minutes; some then sign anew, and some with another id of the delivery.
    await sendAll([build(NOW_MS + 20_000), build(NOW_MS + 20_000)])
    await settle(gateway)
    expect(await effectOf(gateway)).toEqual(effect)
  })
})

/** The delivery, and what somebody who has no key may make of it, each twice. */
function replaysOf(gateway: string, genuine: SampleDelivery): readonly SampleDelivery[] {
  const unsigned = samples.get(gateway)?.unsignedHeaders ?? []
  const withHeader = (name: string, value: string) => ({
    ...genuine,
    headers: { ...genuine.headers, [name]: value },
  })
  const text = genuine.body.toString()
  const isByFields = gateway in SIGNED_FIELDS && text.startsWith('{')
  const anew = isByFields
    ? [{ ...genuine, body: Buffer.from(JSON.stringify(JSON.parse(text), null, 2)) }]
    : []
  const others = [
    ...unsigned.map((name) => withHeader(name, `another-${name}`)),
    withHeader('idempotency-key', 'another'),
    withHeader('x-forwarded-for', '203.0.113.9'),
    { ...genuine, path: `${genuine.path}${genuine.query === '' ? '?' : '&'}attempt=2` },
    ...anew,
  ]
  return [genuine, ...others, genuine, ...others]
}

/** All at once; each is acknowledged. */
async function sendAll(deliveries: readonly SampleDelivery[]): Promise<void> {
  const statuses = await Promise.all(
    deliveries.map(async ({ path, headers, body }) => {
      const response = await fetch(app.url + path, { method: 'POST', headers, body: new Uint8Array(body) })
      await response.arrayBuffer()
      return response.status
    }),
  )
  expect(statuses).toEqual(deliveries.map(() => 200))
}

async function storedOf(gateway: string): Promise<RowDataPacket[]> {
  const [rows] = await database.pool.query<RowDataPacket[]>(
    `SELECT id, state, fact_kind, merchant_ref, gateway_ref, operation_ref, amount_minor, currency FROM webhook_events
     WHERE gateway = ?`,
    [gateway],
  )
  return rows
}

/** Registers the payment that is meant, confirms what the gateway would confirm, and works on all of it. */
async function settle(gateway: string): Promise<void> {
  const rows = await storedOf(gateway)
  for (const row of rows) {
    const fact = factOf(gateway, row)
    await here.register(
      expected({
        gateway,
        merchantRef: fact.merchantRef ?? fact.gatewayRef ?? '',
        gatewayRef: fact.gatewayRef,
        amountMinor: 12_300n,
        currency: fact.currency ?? '',
      }),
    )
    if (row.state === 'unconfirmed') await storeConfirmed(database.pool, row.id, fact)
  }
  await here.processor.process(rows.map(({ id }) => id))
  await here.drain()
}

/** A hint tells nothing: the API would name the payment that it hints at. */
function factOf(gateway: string, row: RowDataPacket): PaymentFact {
  const { currency } = samples.get(gateway) ?? expect.fail('no sample')
  return {
    kind: 'captured',
    merchantRef: row.fact_kind === null ? `trip-${gateway}` : row.merchant_ref,
    gatewayRef: row.gateway_ref,
    operationRef: row.operation_ref ?? '1000001',
    amountMinor: 12_300n,
    currency,
  }
}

async function effectOf(gateway: string) {
  const [payments] = await database.pool.query<RowDataPacket[]>(
    'SELECT merchant_ref FROM payments WHERE gateway = ?',
    [gateway],
  )
  expect(payments).toHaveLength(1)
  const merchantRef = payments[0]?.merchant_ref
  return {
    standing: await standingOf(database.pool, merchantRef),
    ledger: await ledgerOf(database.pool, merchantRef),
  }
}
