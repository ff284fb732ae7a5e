import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Pool } from '../db/pools.ts'
import type { RowDataPacket } from '../db/rows.ts'
import { type Id, idToText, newId } from '../src/base/ids.ts'
import { readAudit } from '../src/webhooks/audit.ts'
import { EVENT_STATES } from '../src/webhooks/event.ts'
import { listEvents } from '../src/webhooks/event-list.ts'
import { pauseGateway, resumeGateway } from '../src/webhooks/gateway-pause.ts'
import { discardEvents, findReplayable, PAGE, replayMatching } from '../src/webhooks/operate.ts'
import { listPauses } from '../src/webhooks/pauses.ts'
import { refusalOf } from '../src/webhooks/permission.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { eventOf, put, store } from './support/deliveries.ts'

const DEED = { actor: 'mona', reason: 'asked the gateway' }
let database: TestDatabase
let pool: Pool

beforeAll(async () => {
  database = await testDatabase('operate-many')
  pool = database.pool
})

afterAll(() => database.drop())

beforeEach(async () => {
  for (const table of ['webhook_events', 'webhook_parked', 'audit_log', 'gateway_pauses'])
    await pool.query('DELETE FROM ??', [table])
})

describe('replay by filter', () => {
  it('finds exactly what may be replayed, as the rule for one event says', async () => {
    const shapes = EVENT_STATES.flatMap((state) =>
      [null, 'applied', 'no_effect', 'ignored'].flatMap((outcome) =>
        [false, true].flatMap((isConflict) =>
          [0, 1].map((approved) => ({ state, outcome, isConflict, approved })),
        ),
      ),
    ).filter(({ state, outcome }) => (state === 'processed') === (outcome !== null))
    const events = shapes.map((_, index) => eventOf('kashier', { operationRef: `TX-${index}` }))
    await store(pool, events)
    for (const [index, { isConflict, ...columns }] of shapes.entries()) {
      await put(pool, [events[index]?.id ?? newId()], {
        ...columns,
        conflicts_with: isConflict ? newId() : null,
      })
    }
    for (const state of EVENT_STATES) {
      const expected = events.filter((_, index) => {
        const shape = shapes[index]
        return (
          shape?.state === state &&
          refusalOf('replay', { ...shape, approved: shape.approved === 1 } as never) === null
        )
      })
      const found = await findReplayable(pool, { state }, 1_000)
      expect(found.map(idToText), state).toEqual(expected.map(({ id }) => idToText(id)))
    }
  })

  it('narrows by gateway, account and time, the oldest first, and a look changes nothing', async () => {
    const [a, b, c, d] = await store(pool, [
      eventOf('kashier', { operationRef: 'TX-a' }),
      eventOf('kashier', { operationRef: 'TX-b', account: 'cairo' }),
      eventOf('stripe', { operationRef: 'TX-c' }),
      eventOf('kashier', { operationRef: 'TX-d' }),
    ])
    if (!a || !b || !c || !d) throw new Error('four were stored')
    await put(pool, [a, b, c, d], { state: 'dead', received_at: new Date() })
    await put(pool, [a], { received_at: new Date(Date.now() - 600_000) })
    const cases: [object, Id[]][] = [
      [{}, [a, b, c, d]],
      [{ gateway: 'kashier' }, [a, b, d]],
      [{ gateway: 'kashier', account: 'default' }, [a, d]],
      [{ since: new Date(Date.now() - 300_000) }, [b, c, d]],
      [{ until: new Date(Date.now() - 300_000) }, [a]],
      [{ since: new Date(Date.now() + 60_000) }, []],
    ]
    const before = await checksum()
    for (const [filter, ids] of cases) {
      expect(await findReplayable(pool, { state: 'dead', ...filter }, 100), JSON.stringify(filter)).toEqual(
        ids,
      )
    }
    expect(await findReplayable(pool, { state: 'dead' }, 2)).toEqual([a, b])
    expect(await checksum()).toEqual(before)
    expect(await replayMatching(pool, { state: 'dead', gateway: 'kashier' }, DEED, 2)).toEqual([a, b])
    expect(await count("state = 'received'")).toBe(2)
    expect(await audits()).toBe(2)
  })

  it('shares a large replay among operators: each event once, and every one audited once', async () => {
    const total = 2 * PAGE + 300
    const shape = eventOf('kashier', { operationRef: 'TX-many' })
    const ids = await store(
      pool,
      Array.from({ length: total }, () => ({
        ...shape,
        id: newId(),
        eventKey: Buffer.from(randomUUID().slice(0, 32)),
      })),
    )
    await put(pool, ids, { state: 'dead' })
    const shares = await Promise.all(
      [1, 2, 3].map(() => replayMatching(pool, { state: 'dead' }, DEED, 100_000)),
    )
    const replayed = shares.flat().map(idToText)
    expect(replayed).toHaveLength(total)
    expect(new Set(replayed)).toEqual(new Set(ids.map(idToText)))
    expect(await audits()).toBe(total)
    expect(await count("state = 'received'")).toBe(total)
  })

  it('leaves to others what they hold', async () => {
    const ids = await Promise.all(
      ['1', '2', '3'].map((name) => stored('kashier', `TX-${name}`, { state: 'dead' })),
    )
    const [held, ...free] = ids.toSorted(Buffer.compare)
    const other = await pool.getConnection()
    await other.query('START TRANSACTION')
    await other.query('SELECT id FROM webhook_events WHERE id = ? FOR UPDATE', [held])
    expect(await replayMatching(pool, { state: 'dead' }, DEED, 10)).toEqual(free)
    await other.query('ROLLBACK')
    other.release()
    expect(await replayMatching(pool, { state: 'dead' }, DEED, 10)).toEqual([held])
  })
})

describe('discard', () => {
  it('takes every open state', async () => {
    const open = EVENT_STATES.filter((state) => state !== 'processed' && state !== 'discarded')
    const ids = await Promise.all(open.map((state) => stored('kashier', `TX-${state}`, { state })))
    expect((await discardEvents(pool, ids, DEED)).done).toHaveLength(open.length)
    expect(await count("state = 'discarded' AND next_at IS NULL")).toBe(open.length)
  })
})

describe('lists', () => {
  it('page through every event once, the newest first', async () => {
    const events = Array.from({ length: 7 }, (_, index) =>
      eventOf('kashier', { operationRef: `TX-${index}` }),
    )
    const ids = await store(pool, events)
    const seen: Id[] = []
    for (let after: Id | undefined; ; after = seen.at(-1)) {
      const page = await listEvents(pool, { gateway: 'kashier' }, { limit: 3, after })
      seen.push(...page.events.map(({ id }) => id))
      if (!page.hasMore) break
    }
    expect(seen).toEqual(ids.toReversed())
  })
})

describe('a paused gateway', () => {
  it('is noted with its reason, changed by another, and ended once', async () => {
    const name = { gateway: 'kashier', account: 'default' }
    await pauseGateway(pool, name, DEED)
    await pauseGateway(pool, name, { actor: 'omar', reason: 'again' })
    expect(await listPauses(pool)).toMatchObject([{ ...name, actor: 'omar', reason: 'again' }])
    expect(await resumeGateway(pool, name, DEED)).toBe(true)
    expect(await resumeGateway(pool, name, DEED)).toBe(false)
    const actions = (await readAudit(pool, 'kashier/default')).map(({ action }) => action)
    expect(actions).toEqual(['gateway.pause', 'gateway.pause', 'gateway.resume'])
  })
})

async function stored(gateway: 'kashier', operationRef: string, columns?: object): Promise<Id> {
  const [id] = await store(pool, [eventOf(gateway, { operationRef })])
  if (!id) throw new Error('nothing was stored')
  if (columns && Object.keys(columns).length > 0) await put(pool, [id], { ...columns })
  return id
}

async function count(condition: string): Promise<number> {
  const [rows] = await pool.query<RowDataPacket[]>(
    `SELECT COUNT(*) AS n FROM webhook_events WHERE ${condition}`,
  )
  return Number(rows[0]?.n)
}

async function audits(): Promise<number> {
  const [rows] = await pool.query<RowDataPacket[]>(
    'SELECT COUNT(*) AS n, COUNT(DISTINCT subject) AS d FROM audit_log',
  )
  expect(rows[0]?.n).toBe(rows[0]?.d)
  return Number(rows[0]?.n)
}

async function checksum(): Promise<unknown> {
  const [rows] = await pool.query('CHECKSUM TABLE webhook_events, audit_log')
  return rows
}
