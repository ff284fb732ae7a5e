import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RowDataPacket } from '../db/rows.ts'
import { manualClock } from '../src/base/clock.ts'
import { idFromText } from '../src/base/ids.ts'
import { adapters } from '../src/webhooks/gateways/registry.ts'
import { openApp } from './support/app.ts'
import { countOf, eventRow, fateOf } from './support/books.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { eventOf, Processing } from './support/processing.ts'

interface Vector {
  readonly name: string
  readonly query?: Record<string, string>
  readonly headers: Record<string, string>
  readonly body: string
  readonly secrets: readonly string[]
  /** Seconds since 1970. */
  readonly now?: number
  readonly valid: boolean
  readonly mustNotMoveMoney?: boolean
}

/** Those whose bodies this suite knows how to turn. */
const GATEWAYS = ['kashier', 'paymob', 'standard-webhooks', 'stripe'] as const

let database: TestDatabase
let here: Processing

beforeAll(async () => {
  database = await testDatabase('http-vectors')
  here = new Processing(database)
})
afterAll(async () => {
  await here?.close()
  await database?.drop()
})

describe.each(GATEWAYS)('%s: every vector at the real door', (gateway) => {
  const url = new URL(`./vectors/${gateway}.json`, import.meta.url)
  const vectors = JSON.parse(readFileSync(url, 'utf8')) as readonly Vector[]

  it.each(vectors)('$name', async (vector) => {
    const account = { gateway, account: 'vector', secrets: vector.secrets, settings: {} }
    const door = await openApp(database, {
      working: false,
      otherAccounts: [account],
      ...(vector.now === undefined ? {} : { clock: manualClock(vector.now * 1_000) }),
    })
    for (const table of ['webhook_events', 'payments']) await database.pool.query('DELETE FROM ??', [table])
    const query = new URLSearchParams(vector.query).toString()
    const answer = await door.post({
      path: `/webhooks/${gateway}/vector${query === '' ? '' : `?${query}`}`,
      query,
      headers: vector.headers,
      body: Buffer.from(vector.body),
    })
    await door.stop()
    if (!vector.valid) {
      expect(answer.status).toBe(401)
      expect(await countOf(database.pool, 'webhook_events')).toBe(0)
      return
    }
    expect(answer).toMatchObject({ status: 200, body: { verdict: 'stored' } })
    const [id] = (answer.body.eventIds as string[]).map(idFromText)
    if (!id) return expect.fail('an id was told')
    expect((await eventRow(database.pool, id)).body.toString()).toBe(vector.body)
    if (vector.mustNotMoveMoney) await expectNoMoneyMoved(vector)
  })
})

/**
 * Whatever could be meant is registered with the amount that the delivery itself would like, and captured after it: no
 * money moves but that of those captures, not even of a refund that waited for one.
 */
async function expectNoMoneyMoved(vector: Vector): Promise<void> {
  await database.pool.query('DELETE FROM ledger_entries')
  const [events] = await database.pool.query<RowDataPacket[]>(
    'SELECT id, gateway, account, fact_kind, merchant_ref, gateway_ref, amount_minor, currency FROM webhook_events',
  )
  for (const event of events) {
    const wished = wishedFor(vector, event)
    for (const expected of wished) await here.register(expected)
    await here.processor.process([event.id])
    await here.drain()
    // A signed failure may be believed: it moves the payment, and no money.
    const fate = await fateOf(database.pool, event.id)
    if (event.fact_kind === 'failed') expect(fate).toBe('processed/applied')
    else expect(fate).toMatch(/^(quarantined|unconfirmed|parked|processed\/ignored)/)
    expect(await countOf(database.pool, 'ledger_entries')).toBe(0)

    const captures = wished.map(({ tripId, customerId, driverId, ...ref }) =>
      eventOf({ ...ref, gatewayRef: null }),
    )
    await here.take(...captures)
    for (const capture of captures) expect(await fateOf(database.pool, capture)).toMatch(/^processed/)
    expect(await fateOf(database.pool, event.id)).toBe(fate)
    const [moved] = await database.pool.query<RowDataPacket[]>(
      "SELECT ledger_account FROM ledger_entries WHERE ledger_account NOT IN ('gateway_receivable', 'rider_payments')",
    )
    expect(moved).toEqual([])
  }
}

/** The references that the body speaks of, signed or not, and the amounts that it may mean. */
function wishedFor(vector: Vector, event: RowDataPacket) {
  const body = JSON.parse(vector.body)
  const data = body.data ?? body.obj ?? {}
  const refs = [event.merchant_ref, data.merchantOrderId, data.order?.merchant_order_id, data.order?.id]
  const gatewayRefs = [event.gateway_ref, data.kashierOrderId, data.order?.id]
  const amount = event.amount_minor ?? data.amount_cents ?? Math.round(Number(data.amount) * 100)
  return [...new Set(refs.filter((ref) => ref !== undefined && ref !== null).map(String))].map(
    (ref, index) => ({
      gateway: event.gateway,
      account: event.account,
      merchantRef: String(ref),
      gatewayRef: gatewayRefs[index] === undefined ? null : String(gatewayRefs[index]),
      amountMinor: BigInt(Number.isNaN(Number(amount)) ? 1 : amount),
      currency: event.currency ?? data.currency ?? 'EGP',
      tripId: null,
      customerId: null,
      driverId: null,
    }),
  )
}

it('names a vector of every gateway that there is', () => {
  const files = readdirSync(new URL('./vectors', import.meta.url)).map((name) => name.replace('.json', ''))
  expect(files.sort()).toEqual([...adapters.keys()].sort())
})
