import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openPool, type Pool } from '../db/pools.ts'
import type { RowDataPacket } from '../db/rows.ts'
import { systemClock } from '../src/base/clock.ts'
import { type AskedAccount, listedAccounts } from '../src/webhooks/asking/asked-accounts.ts'
import type { ListingPace } from '../src/webhooks/asking/listing-store.ts'
import { MissedEvents } from '../src/webhooks/asking/missed-events.ts'
import type { GatewayAdapter, GatewayEvent } from '../src/webhooks/gateways/adapter.ts'
import type { EventLister } from '../src/webhooks/gateways/event-lister.ts'
import { GroupCommit } from '../src/webhooks/group-commit.ts'
import { countOf, expectBooksAgree, fateOf, standingOf } from './support/books.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { eventOf, expected, GATEWAY, Processing, store } from './support/processing.ts'

const PACE: ListingPace = { lookbackSeconds: 3_600, settleSeconds: 60, intervalSeconds: 300 }
let database: TestDatabase
let here: Processing
let ingest: Pool

beforeAll(async () => {
  database = await testDatabase('missed-events')
  here = new Processing(database)
  ingest = openPool(database.address, { connectionLimit: 2, lockWaitSeconds: 1, countChangedRows: true })
})
afterAll(async () => {
  await expectBooksAgree(database.pool)
  await here?.close()
  await ingest?.end()
  await database?.drop()
})
beforeEach(async () => {
  await database.pool.query('DELETE FROM event_listings')
})

type Page = readonly GatewayEvent[]
type Window = Parameters<EventLister['pages']>[0]

/** A gateway that lists these pages, and notes for which stretch it was asked. */
function listing(
  pages: (window: Window) => AsyncIterable<Page> | Iterable<Page>,
  windows: Window[] = [],
  names = ['default'],
) {
  const lister: EventLister = {
    apiUrl: 'https://api.testpay.example',
    pages: async function* (window) {
      windows.push(window)
      for await (const page of pages(window))
        yield page.map((event) => ({ event, body: Buffer.from(JSON.stringify({ id: event.eventId })) }))
    },
  }
  const adapter: GatewayAdapter = {
    name: GATEWAY,
    about: { title: 'Testpay', source: '', signature: '', eventId: '' },
    tier: 'C',
    confirmFirst: true,
    secretForm: 'text',
    lister,
    receive: () => ({ kind: 'refused', code: 'malformed_body', detail: 'this gateway reads nothing' }),
  }
  const accounts = names.map((account) => ({ gateway: GATEWAY, account, secrets: ['s'], settings: {} }))
  return listedAccounts(
    new Map([[GATEWAY, adapter]]),
    new Map([[GATEWAY, new Map(accounts.map((one) => [one.account, one]))]]),
    systemClock,
  )
}

function missedBy(accounts: ReadonlyMap<string, AskedAccount<EventLister>>, pool = here.pool): MissedEvents {
  const commit = new GroupCommit({
    pool: ingest,
    onStored: (ids) => void here.rung.push(...ids),
    onBatch: () => undefined,
  })
  return new MissedEvents({ pool, log: here.log, commit, accounts, pace: PACE })
}

/** The event as the adapter would have read it from a delivery. */
function listedOf(eventId: string, merchantRef: string): GatewayEvent {
  const { fact, type } = eventOf({ eventId, merchantRef, operationRef: `op_${eventId}` })
  return { eventId, type, occurredAt: null, fact, signed: [], hold: null }
}

describe('what a gateway lists and never sent', () => {
  it('takes effect once, through the keys of deliveries; what came is a duplicate', async () => {
    const [came, missing] = [expected(), expected()]
    await here.register(came)
    await here.register(missing)
    await here.take(
      eventOf({ eventId: 'evt_came', merchantRef: came.merchantRef, operationRef: 'op_evt_came' }),
    )
    const accounts = listing(() => [
      [listedOf('evt_came', came.merchantRef)],
      [listedOf('evt_missing', missing.merchantRef)],
    ])
    expect(await missedBy(accounts).runOnce()).toBe(1)
    await here.drain()
    expect(await standingOf(here.pool, missing.merchantRef)).toBe('captured 10000 v1')
    expect(await standingOf(here.pool, came.merchantRef)).toBe('captured 10000 v1')
    const late = eventOf({
      eventId: 'evt_missing',
      merchantRef: missing.merchantRef,
      operationRef: 'op_evt_missing',
    })
    const before = await countOf(here.pool, 'webhook_events')
    await store(here.pool, late)
    expect(await countOf(here.pool, 'webhook_events')).toBe(before)
    const [[row]] = await here.pool.query<RowDataPacket[]>(
      "SELECT * FROM webhook_events WHERE event_id = 'evt_missing'",
    )
    expect(row).toMatchObject({ may_settle: 1, body: Buffer.from('{"id":"evt_missing"}') })
    expect(row?.request_id).toMatch(/^listed-/)
    expect(
      here.lines.some(({ msg, missed }) => msg === 'events that never came were taken in' && missed === 1),
    ).toBe(true)
  })

  it('that contradicts what came is a conflict for a person', async () => {
    const payment = expected()
    await here.register(payment)
    const first = eventOf({
      eventId: 'evt_twice',
      merchantRef: payment.merchantRef,
      operationRef: 'op_evt_twice',
      amountMinor: 9_000n,
    })
    await store(here.pool, first)
    await missedBy(listing(() => [[listedOf('evt_twice', payment.merchantRef)]])).runOnce()
    const [rows] = await here.pool.query<RowDataPacket[]>(
      "SELECT id FROM webhook_events WHERE event_id = 'evt_twice' AND conflicts_with IS NOT NULL",
    )
    expect(rows).toHaveLength(1)
    expect(await fateOf(here.pool, rows[0]?.id)).toBe('quarantined/event_id_conflict')
  })
})

describe('a look', () => {
  it('is taken by one process, and not again before its time', async () => {
    const windows: Window[] = []
    const accounts = listing(async function* () {
      await pause(20)
      yield []
    }, windows)
    await Promise.all(
      [missedBy(accounts), missedBy(accounts), missedBy(accounts)].map((one) => one.runOnce()),
    )
    expect(windows).toHaveLength(1)
    const [window] = windows
    const seconds = ((window?.until.getTime() ?? 0) - (window?.from.getTime() ?? 0)) / 1_000
    expect(Math.round(seconds / 10)).toBe((PACE.lookbackSeconds - PACE.settleSeconds) / 10)
  })

  it('that failed is made up for: the next one reaches back to where the last good one came to', async () => {
    const windows: Window[] = []
    await missedBy(listing(() => [], windows)).runOnce()
    await here.pool.query('UPDATE event_listings SET compared_until = UTC_TIMESTAMP(3) - INTERVAL 9 HOUR')
    await here.pool.query('UPDATE event_listings SET next_at = UTC_TIMESTAMP(3)')
    const broken = listing(() => {
      throw new Error('the list is closed')
    }, windows)
    expect(await missedBy(broken).runOnce()).toBe(0)
    const [[row]] = await here.pool.query<RowDataPacket[]>('SELECT last_error FROM event_listings')
    expect(row?.last_error).toBe('the list is closed')
    await here.pool.query('UPDATE event_listings SET next_at = UTC_TIMESTAMP(3)')
    await missedBy(listing(() => [], windows)).runOnce()
    for (const { from, until } of windows.slice(1))
      expect(Math.round((until.getTime() - from.getTime()) / 3_600_000)).toBe(9)
  })
})

it('looks at the other accounts though the row of one is held', async () => {
  const pool = openPool(database.address, { connectionLimit: 2, lockWaitSeconds: 1 })
  const windows: Window[] = []
  const missed = missedBy(
    listing(() => [], windows, ['default', 'other']),
    pool,
  )
  await missed.runOnce()
  await here.pool.query('UPDATE event_listings SET next_at = UTC_TIMESTAMP(3)')
  const holder = await here.pool.getConnection()
  await holder.query('START TRANSACTION')
  await holder.query("SELECT next_at FROM event_listings WHERE account = 'default' FOR UPDATE")
  expect(await missed.runOnce()).toBe(0)
  await holder.query('ROLLBACK')
  holder.release()
  await pool.end()
  expect(windows).toHaveLength(3)
  const told = here.lines.filter(({ msg }) => String(msg).startsWith('an account could not be compared'))
  expect(told).toMatchObject([{ account: 'default', err: { code: 'ER_LOCK_WAIT_TIMEOUT' } }])
})
