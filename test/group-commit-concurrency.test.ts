import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Database, openDatabase } from '../db/pools.ts'
import type { RowDataPacket } from '../db/rows.ts'
import { RING_GRACE_SECONDS } from '../src/webhooks/event-insert.ts'
import { GroupCommit } from '../src/webhooks/group-commit.ts'
import type { Order } from './fixtures/store-deliveries.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { capture } from './support/events.ts'
import { propertyRuns } from './support/property-runs.ts'
import { expectToldAndStoredAgree, storedEvents } from './support/stored-events.ts'
import { deliver, type Told } from './support/told.ts'
import { ask, killWorkers, startWorker } from './support/workers.ts'

let database: TestDatabase
let pools: [Database, Database]

beforeAll(async () => {
  database = await testDatabase('group-commit-concurrency')
  pools = [openDatabase(database.address, 1), openDatabase(database.address, 1)]
})
afterAll(async () => {
  for (const pool of pools ?? []) await pool.close()
  await database?.drop()
})
beforeEach(async () => {
  await database.pool.query('DELETE FROM webhook_events')
})
afterEach(killWorkers)

describe('deliveries that arrive at the same time', () => {
  it('through two stores: one is stored, and every other learns of it', async () => {
    const stores = pools.map(groupCommit)
    const told = await Promise.all(
      Array.from({ length: 500 }, (_, index) => deliver(at(stores, index), capture({ eventId: 'evt_same' }))),
    )
    expect(told.filter(({ kind }) => kind === 'stored')).toHaveLength(1)
    expect(told.filter(({ kind }) => kind === 'duplicate')).toHaveLength(499)
    expectToldAndStoredAgree(told, await storedEvents(database.pool))
  })

  it('through two stores, of any keys and amounts, agree with what is stored', async () => {
    const delivery = fc.record({ key: fc.nat(12), amount: fc.integer({ min: 1, max: 3 }), store: fc.nat(1) })
    await fc.assert(
      fc.asyncProperty(fc.array(delivery, { minLength: 1, maxLength: 300 }), async (drawn) => {
        await database.pool.query('DELETE FROM webhook_events')
        const stores = pools.map(groupCommit)
        const told = await Promise.all(
          drawn.map(({ key, amount, store }) =>
            deliver(at(stores, store), capture({ eventId: `evt_${key}`, amountMinor: BigInt(amount) })),
          ),
        )
        expect(told.filter(({ kind }) => kind === 'unavailable' || kind === 'refused')).toEqual([])
        expectToldAndStoredAgree(told, await storedEvents(database.pool))
      }),
      propertyRuns(25),
    )
  })

  it('through two processes with two connections each agree with what is stored', async () => {
    const seed = Number(process.env.FC_SEED ?? Math.floor(Math.random() * 2 ** 31))
    const deliveries = fc
      .sample(fc.record({ key: fc.nat(799), amount: fc.constantFrom(1, 1, 1, 1, 1, 1, 2, 3) }), {
        seed,
        numRuns: 8_000,
      })
      .map(({ key, amount }) => ({ eventId: `evt_${key}`, amount }))
    const workers = await Promise.all([startWorker('store-deliveries'), startWorker('store-deliveries')])
    const answers = await Promise.all(
      workers.map((worker, index) => {
        const half = deliveries.filter((_, place) => place % 2 === index)
        const order: Order = { address: database.address, deliveries: half, concurrency: 64 }
        return ask<Told[]>(worker, order)
      }),
    )
    const told = answers.flat()
    expect(told).toHaveLength(8_000)
    expect(
      told.filter(({ kind }) => kind === 'unavailable' || kind === 'refused'),
      `seed ${seed}`,
    ).toEqual([])
    for (const kind of ['stored', 'duplicate', 'conflict'] as const) {
      expect(
        answers.map((mine) => mine.some((one) => one.kind === kind)),
        `both were told ${kind}`,
      ).toEqual([true, true])
    }
    expectToldAndStoredAgree(told, await storedEvents(database.pool))
  })
})

describe('what is stored', () => {
  it('is told of once and after the verdict, and only where there is work to do', async () => {
    const rung: string[] = []
    const store = new GroupCommit({
      pool: pools[0].ingest,
      onStored: (ids) => rung.push(...ids.map((id) => id.toString('hex'))),
    })
    const events = Array.from({ length: 300 }, (_, index) => capture({ eventId: `evt_${index % 100}` }))
    const held = { ...capture(), state: 'quarantined' as const }
    const told = await Promise.all([...events, held].map((event) => deliver(store, event)))
    const stored = told.filter(({ kind, id }) => kind === 'stored' && id !== held.id.toString('hex'))
    expect(stored).toHaveLength(100)
    expect(rung.sort()).toEqual(stored.map(({ id }) => id).sort())
  })

  it('is due for the sweeper when its ring must have been lost; what needs no work is not', async () => {
    const store = groupCommit(pools[0])
    const held = { ...capture({ eventId: 'held' }), state: 'quarantined' as const }
    await Promise.all([store.store(capture({ eventId: 'work' })), store.store(held)])
    const [rows] = await database.pool.query<RowDataPacket[]>(
      `SELECT event_id, TIMESTAMPDIFF(SECOND, received_at, next_at) AS grace,
         TIMESTAMPDIFF(SECOND, received_at, UTC_TIMESTAMP(3)) AS age
       FROM webhook_events ORDER BY event_id`,
    )
    expect(rows).toMatchObject([
      { event_id: 'held', grace: null },
      { event_id: 'work', grace: String(RING_GRACE_SECONDS) },
    ])
    for (const { age } of rows) expect(Math.abs(Number(age)), 'received now').toBeLessThan(5)
  })
})

function groupCommit({ ingest }: Database): GroupCommit {
  return new GroupCommit({ pool: ingest, onStored: () => undefined })
}

function at(stores: readonly GroupCommit[], index: number): GroupCommit {
  const store = stores[index % stores.length]
  if (!store) throw new Error('there are no stores')
  return store
}
