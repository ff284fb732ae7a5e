import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { RowDataPacket } from '../db/rows.ts'
import { type Id, newId } from '../src/base/ids.ts'
import { createLogger } from '../src/base/log.ts'
import { HISTORY_DAYS, historyPruner, pruneOlder } from '../src/matching/upkeep/history-pruner.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { keysOf } from './support/explain.ts'

const DAY_MS = 86_400_000
const TABLES = { offers: 'trip_offers', bids: 'trip_bids' } as const
const LIVE = { offers: 'offered', bids: 'live' } as const
type Kind = keyof typeof TABLES
let database: TestDatabase

beforeAll(async () => {
  database = await testDatabase('history-pruning')
})
afterEach(async () => {
  for (const table of Object.values(TABLES)) await database.pool.query('DELETE FROM ??', [table])
})
afterAll(() => database?.drop())

function idOf(ageDays: number): Id {
  const id = newId()
  id.writeUIntBE(Math.round(Date.now() - ageDays * DAY_MS), 0, 6)
  return id
}

async function stored(kind: Kind, ageDays: number, state: string): Promise<Id> {
  const [id, now] = [idOf(ageDays), new Date()]
  const row = { id, trip_id: randomUUID(), driver_id: randomUUID(), state, expires_at: now, created_at: now }
  const more = { customer_id: 'c', offer_id: newId(), amount_minor: 1, currency: 'EGP' }
  await database.pool.query('INSERT INTO ?? SET ?', [
    TABLES[kind],
    kind === 'bids' ? { ...row, ...more } : row,
  ])
  return id
}

async function leftOf(kind: Kind): Promise<string[]> {
  const [rows] = await database.pool.query<RowDataPacket[]>('SELECT id FROM ?? ORDER BY id', [TABLES[kind]])
  return rows.map(({ id }) => id.toString('hex'))
}

const pruner = (batch?: number, historyDays?: number) =>
  historyPruner({
    ...{ pool: database.pool, log: createLogger({ level: 'silent' }) },
    ...(batch === undefined ? {} : { batch }),
    ...(historyDays === undefined ? {} : { historyDays }),
  })

describe.each(['offers', 'bids'] as const)('the pruner of %s', (kind) => {
  it('takes those that are over and older than they are kept, and only these', async () => {
    const young = await stored(kind, HISTORY_DAYS - 0.1, 'lost')
    const live = await stored(kind, HISTORY_DAYS + 20, LIVE[kind])
    for (const days of [HISTORY_DAYS + 0.1, HISTORY_DAYS + 40]) await stored(kind, days, 'lost')
    expect(await pruner().runOnce()).toEqual({ decisions: 0, offers: 0, bids: 0, [kind]: 2 })
    expect(await leftOf(kind)).toEqual([live, young].map((id) => id.toString('hex')))
    expect((await pruner(200, HISTORY_DAYS - 1).runOnce())[kind]).toBe(1)
  })

  it('goes in small batches, which pruners share', async () => {
    for (let index = 0; index < 25; index += 1) await stored(kind, HISTORY_DAYS + 1, 'lost')
    const turns = await Promise.all([pruner(10).runOnce(), pruner(10).runOnce()])
    expect(turns.map((turn) => turn[kind])).toEqual([10, 10])
    expect((await pruner(10).runOnce())[kind]).toBe(5)
  })

  it('goes by the primary key', async () => {
    for (let index = 0; index < 20; index += 1) await stored(kind, 1, 'lost')
    const answer = [{ id: newId() }]
    expect(await keysOf(database, (connection) => pruneOlder(connection, kind, 90, 5), answer)).toEqual([
      ['PRIMARY'],
      ['PRIMARY'],
    ])
  })
})
