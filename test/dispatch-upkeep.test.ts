import { randomUUID } from 'node:crypto'
import { Registry } from 'prom-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RowDataPacket } from '../db/rows.ts'
import { newId } from '../src/base/ids.ts'
import { createLogger } from '../src/base/log.ts'
import { readDispatchBacklog } from '../src/matching/dispatch/backlog.ts'
import { createDispatchMetrics } from '../src/matching/dispatch/metrics.ts'
import { DECISION_DAYS, historyPruner, pruneOlder } from '../src/matching/upkeep/history-pruner.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { keysOf } from './support/explain.ts'

const HOUR_MS = 3_600_000
let database: TestDatabase

beforeAll(async () => {
  database = await testDatabase('dispatch-upkeep')
})
afterAll(() => database?.drop())

describe('the pruner of decisions', () => {
  it('takes those that are older than a month, and only these', async () => {
    const trip = randomUUID()
    const border = DECISION_DAYS * 24 * HOUR_MS
    const old = [border + 2 * HOUR_MS, border + HOUR_MS]
    const young = [border - HOUR_MS, HOUR_MS, 0]
    for (const ageMs of [...young, ...old]) await decided(trip, ageMs)
    expect(await pruned()).toBe(old.length)
    expect(await agesOf(trip)).toEqual(young)
    expect(await pruned()).toBe(0)
  })

  it('goes in small batches, the oldest first, which pruners share', async () => {
    const trip = randomUUID()
    const ages = Array.from({ length: 25 }, (_, index) => (DECISION_DAYS * 24 + 1 + index) * HOUR_MS)
    for (const ageMs of ages) await decided(trip, ageMs)
    expect(await Promise.all([pruned(10), pruned(10)])).toEqual([10, 10])
    expect(await agesOf(trip)).toEqual(ages.slice(0, 5).toReversed())
    expect(await pruned(10)).toBe(5)
  })

  it('passes by what is locked', async () => {
    const trip = randomUUID()
    for (const days of [40, 41]) await decided(trip, days * 24 * HOUR_MS)
    const holder = await database.pool.getConnection()
    await holder.query('START TRANSACTION')
    await holder.query('SELECT id FROM dispatch_decisions WHERE trip_id = ? ORDER BY id LIMIT 1 FOR UPDATE', [
      trip,
    ])
    expect(await pruned()).toBe(1)
    await holder.query('ROLLBACK')
    holder.release()
    expect(await pruned()).toBe(1)
  })

  it('goes by the primary key', async () => {
    const rows = Array.from({ length: 500 }, () => rowOf(randomUUID(), 0))
    await database.pool.query(`INSERT INTO dispatch_decisions ${COLUMNS} VALUES ?`, [rows])
    await database.pool.query('ANALYZE TABLE dispatch_decisions')
    const answer = [{ id: rows[0]?.[0] }]
    expect(
      await keysOf(database, (connection) => pruneOlder(connection, 'decisions', 30, 200), answer),
    ).toEqual([['PRIMARY'], ['PRIMARY']])
  })
})

describe('the backlog of dispatch', () => {
  it('counts who waits by policy, and says for how long somebody should have looked', async () => {
    expect(await readDispatchBacklog(database.pool)).toEqual({
      waiting: { nearest: 0, broadcast: 0, batch: 0, bidding: 0 },
      oldestDueSeconds: 0,
    })
    await waits('broadcast', 60)
    expect(await readDispatchBacklog(database.pool)).toMatchObject({ oldestDueSeconds: 0 })
    await waits('broadcast', -5)
    await waits('batch', -40)
    const { waiting, oldestDueSeconds } = await readDispatchBacklog(database.pool)
    expect(waiting).toEqual({ nearest: 0, broadcast: 2, batch: 1, bidding: 0 })
    expect(oldestDueSeconds).toBeGreaterThanOrEqual(40)
    expect(oldestDueSeconds).toBeLessThan(100)
  })

  it('is read from the indexes alone', async () => {
    const rows = Array.from({ length: 500 }, (_, index) => [
      randomUUID(),
      `zone-${index % 9}`,
      'car',
      'batch',
    ])
    await database.pool.query(
      `INSERT INTO trip_dispatches (trip_id, zone_id, category, policy, round, asked, since, deadline_at, next_at)
       VALUES ${rows.map(() => '(?, 0, 0, UTC_TIMESTAMP(3), UTC_TIMESTAMP(3), UTC_TIMESTAMP(3))').join(', ')}`,
      rows,
    )
    await database.pool.query('ANALYZE TABLE trip_dispatches')
    const [counts, due] = await keysOf(database, (connection) => readDispatchBacklog(connection))
    expect(counts).toEqual(['dispatches_by_group'])
    // The least of an index is read before the plan is made: no table is left in it.
    expect([[], ['dispatches_by_time']]).toContainEqual(due)
  })
})

describe('the metrics of dispatch', () => {
  it('count from nothing on, by policy and by what became of offers', async () => {
    const registry = new Registry()
    const metrics = createDispatchMetrics(registry)
    const before = await registry.metrics()
    expect(before).toContain('onceline_dispatch_decisions_total{policy="batch",outcome="no_drivers"} 0')
    expect(before).toContain('onceline_dispatch_offers_ended_total{state="withdrawn"} 0')
    expect(before).not.toContain('state="offered"')
    metrics.decided('batch', 'offered')
    metrics.offered('batch', 3)
    metrics.offersEnded('lost', 2)
    metrics.firstOffer('batch', 0.3)
    metrics.matched(4)
    metrics.takenUp(0.02)
    metrics.failed()
    metrics.backlog({ waiting: { nearest: 0, broadcast: 4, batch: 0, bidding: 0 }, oldestDueSeconds: 7 })
    const text = await registry.metrics()
    for (const line of [
      'onceline_dispatch_decisions_total{policy="batch",outcome="offered"} 1',
      'onceline_dispatch_offers_total{policy="batch"} 3',
      'onceline_dispatch_offers_ended_total{state="lost"} 2',
      'onceline_dispatch_first_offer_seconds_sum{policy="batch"} 0.3',
      'onceline_dispatch_match_seconds_sum 4',
      'onceline_dispatch_late_seconds_count 1',
      'onceline_dispatch_failures_total 1',
      'onceline_dispatch_trips_waiting{policy="broadcast"} 4',
      'onceline_dispatch_oldest_due_seconds 7',
    ])
      expect(text).toContain(line)
  })
})

const COLUMNS = '(id, trip_id, round, policy, window_number, outcome, document, at)'

function rowOf(tripId: string, ageMs: number): unknown[] {
  const id = newId()
  id.writeUIntBE(Date.now() - ageMs, 0, 6)
  return [id, tripId, 0, 'nearest', null, 'nobody', JSON.stringify({ ageMs }), new Date(Date.now() - ageMs)]
}

async function decided(tripId: string, ageMs: number): Promise<void> {
  await database.pool.query(`INSERT INTO dispatch_decisions ${COLUMNS} VALUES (?)`, [rowOf(tripId, ageMs)])
}

/** Of the trip's decisions, the oldest first. */
async function agesOf(tripId: string): Promise<number[]> {
  const [rows] = await database.pool.query<RowDataPacket[]>(
    'SELECT document FROM dispatch_decisions WHERE trip_id = ? ORDER BY id',
    [tripId],
  )
  return rows.map(({ document }) => JSON.parse(document).ageMs)
}

async function waits(policy: string, dueInSeconds: number): Promise<void> {
  await database.pool.query(
    `INSERT INTO trip_dispatches (trip_id, zone_id, category, policy, round, asked, since, deadline_at, next_at)
     VALUES (?, 'zone-1', 'car', ?, 0, 0, UTC_TIMESTAMP(3), UTC_TIMESTAMP(3) + INTERVAL 120 SECOND,
       UTC_TIMESTAMP(3) + INTERVAL ? SECOND)`,
    [randomUUID(), policy, dueInSeconds],
  )
}

/** A turn; how many decisions went. */
async function pruned(batch = 200): Promise<number> {
  const log = createLogger({ level: 'silent' })
  return (await historyPruner({ pool: database.pool, log, batch }).runOnce()).decisions
}
