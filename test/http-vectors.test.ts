import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { RowDataPacket } from '../db/rows.ts'
import { type Id, idFromText } from '../src/base/ids.ts'
import type { ExpectedPayment } from '../src/payments/register.ts'
import { accountOf, CASE, type Case, deliveryOf, judgeCase } from '../src/webhooks/gateways/case.ts'
import { adapters } from '../src/webhooks/gateways/registry.ts'
import { openApp, type TestApp } from './support/app.ts'
import { countOf, eventRow, fateOf } from './support/books.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { eventOf, Processing } from './support/processing.ts'
import { type MeantBy, wishedFor } from './support/wished-payments.ts'

const GATEWAYS = [...adapters.keys()]
const VECTORS = GATEWAYS.flatMap((gateway) => vectorsOf(gateway))

function vectorsOf(gateway: string): readonly Case[] {
  const url = new URL(`./vectors/${gateway}.json`, import.meta.url)
  return CASE.array().parse(JSON.parse(readFileSync(url, 'utf8')))
}

function adapterOf({ gateway }: Case) {
  return adapters.get(gateway) ?? expect.fail(`no adapter ${gateway}`)
}

/** Each vector has an account of its own, with its secrets and settings. */
function nameOf(vector: Case): string {
  return `vector-${VECTORS.findIndex(({ gateway, name }) => gateway === vector.gateway && name === vector.name)}`
}

let nowMs = 0
let database: TestDatabase
let here: Processing
let door: TestApp

beforeAll(async () => {
  database = await testDatabase('http-vectors')
  here = new Processing(database)
  const otherAccounts = VECTORS.map((vector) => ({
    ...accountOf(vector, adapterOf(vector)),
    account: nameOf(vector),
  }))
  const clock = { nowMs: () => nowMs, monotonicMs: () => performance.now() }
  door = await openApp(database, { working: false, otherAccounts, clock })
})
afterAll(async () => {
  await door?.stop()
  await here?.close()
  await database?.drop()
})
beforeEach(async () => {
  for (const table of ['webhook_events', 'payments', 'ledger_entries'])
    await database.pool.query('DELETE FROM ??', [table])
})

describe.each(GATEWAYS)('%s: every vector at the real door', (gateway) => {
  it.each(vectorsOf(gateway))('$name', async (vector) => {
    nowMs = clockOf(vector)
    const { status, text, ids } = await send(vector)
    const verdict = judgeCase(vector, adapterOf(vector))
    if (vector.valid === false) {
      expect(status).toBe(adapterOf(vector).refusalStatus ?? 401)
      expect(JSON.parse(text).code).toBe(verdict.reason?.split(':')[0])
      expect(await countOf(database.pool, 'webhook_events')).toBe(0)
      return
    }
    expect(status).toBe(200)
    const { acknowledgement } = adapterOf(vector)
    if (acknowledgement !== undefined) expect(text).toBe(acknowledgement.body)
    if (vector.method === 'GET') return expect(text).toBe(vector.expectedResponse)
    expect(ids.length).toBe([verdict.dedupeKey].flat().length)
    const bodies = await Promise.all(
      ids.map(async (id) => (await eventRow(database.pool, id)).body.toString()),
    )
    // Of several events the first keeps all that came, and each of the others its own part.
    const parts = ids.length === 1 ? [] : JSON.parse(vector.body).events.slice(1)
    expect(bodies[0]).toBe(vector.body)
    expect(bodies.slice(1).map((body) => JSON.parse(body).events)).toEqual(
      parts.map((part: unknown) => [part]),
    )
    if (!verdict.mayMoveMoney || vector.mustNotMoveMoney === true) await expectNoMoneyMoved(vector)
    else await expectMoneyMoves(vector, ids)
  })
})

/** Where a vector names no time its age is not judged; the door's clock then stands at the time that it signs. */
function clockOf({ now, headers }: Case): number {
  if (now !== undefined) return now * 1_000
  const signed = /^ts=(\d+),/.exec(headers['x-signature'] ?? '')?.[1] ?? headers['x-webhook-timestamp']
  if (signed === undefined) return Date.now()
  return Number(signed) * (signed.length === 10 ? 1_000 : 1)
}

async function send(vector: Case): Promise<{ status: number; text: string; ids: readonly Id[] }> {
  const { headers, body, query } = deliveryOf(vector)
  const url = `${door.url}/webhooks/${vector.gateway}/${nameOf(vector)}?${query}`
  const posted = { method: 'POST', body: new Uint8Array(body), headers: headers as Record<string, string> }
  const response = await fetch(url, vector.method === 'GET' ? {} : posted)
  const text = await response.text()
  const inHeader = response.headers.get('x-onceline-event-ids')
  const ids = inHeader?.split(',') ?? (text.startsWith('{') ? (JSON.parse(text).eventIds ?? []) : [])
  return { status: response.status, text, ids: ids.map(idFromText) }
}

/**
 * Whatever could be meant is registered with the amount that the delivery itself would like, and captured after it: no
 * money moves but that of those captures, not even of a refund that waited for one.
 */
async function expectNoMoneyMoved(vector: Case): Promise<void> {
  const events = await stored()
  const meant = events.flatMap((event) => wishedFor(vector.body, event))
  const wished = meant.filter((one, index) => index === meant.findIndex((each) => isSame(each, one)))
  for (const expected of wished) await here.register(expected)
  await here.processor.process(events.map(({ id }) => id))
  await here.drain()
  const fates = () => Promise.all(events.map(({ id }) => fateOf(database.pool, id)))
  const before = await fates()
  // What may be believed moves no money: a failure, a pending payment.
  for (const [index, event] of events.entries())
    expect(before[index]).toMatch(
      event.may_settle === 1
        ? /^(quarantined|parked|processed)/
        : /^(quarantined|unconfirmed|processed\/ignored)/,
    )
  expect(await countOf(database.pool, 'ledger_entries')).toBe(0)

  const captures = wished.map(({ tripId, customerId, driverId, ...ref }) =>
    eventOf({ ...ref, gatewayRef: null }),
  )
  await here.take(...captures)
  for (const capture of captures) expect(await fateOf(database.pool, capture)).toMatch(/^processed/)
  expect(await fates()).toEqual(before)
  const [moved] = await database.pool.query<RowDataPacket[]>(
    "SELECT ledger_account FROM ledger_entries WHERE ledger_account NOT IN ('gateway_receivable', 'rider_payments')",
  )
  expect(moved).toEqual([])
}

function isSame(a: ExpectedPayment, b: ExpectedPayment): boolean {
  return a.merchantRef === b.merchantRef
}

/** The same the other way round: what a delivery may settle does settle, once its payment is expected. */
async function expectMoneyMoves(vector: Case, ids: readonly Id[]): Promise<void> {
  for (const event of await stored()) {
    for (const expected of wishedFor(vector.body, event).slice(0, 1)) await here.register(expected)
  }
  await here.processor.process(ids)
  await here.drain()
  for (const id of ids) expect(await fateOf(database.pool, id)).toBe('processed/applied')
}

type StoredRow = RowDataPacket & MeantBy

async function stored(): Promise<StoredRow[]> {
  const [events] = await database.pool.query<StoredRow[]>(
    `SELECT id, gateway, account, fact_kind, may_settle, merchant_ref, gateway_ref, amount_minor, currency
     FROM webhook_events`,
  )
  return events
}

it('names a vector of every gateway that there is', () => {
  const files = readdirSync(new URL('./vectors', import.meta.url)).map((name) => name.replace('.json', ''))
  expect(files.sort()).toEqual([...adapters.keys()].sort())
  const names = VECTORS.map(({ gateway, name }) => `${gateway}: ${name}`)
  expect(new Set(names).size).toBe(names.length)
})
