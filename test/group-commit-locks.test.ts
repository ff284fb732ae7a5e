import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Database, openDatabase } from '../db/pools.ts'
import type { RowDataPacket } from '../db/rows.ts'
import { commitBatch, StoreUnavailable } from '../src/webhooks/commit-batch.ts'
import type { NewEvent } from '../src/webhooks/event.ts'
import { GroupCommit } from '../src/webhooks/group-commit.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { capture } from './support/events.ts'
import { waitForLockWait } from './support/locks.ts'
import { expectToldAndStoredAgree, storedEvents } from './support/stored-events.ts'
import { deliver } from './support/told.ts'

/** What a webhook's two seconds leave for its commit; the ingest pool waits one second for a lock. */
const COMMIT_TIME_MS = 1_800
let database: TestDatabase
let pools: Database

beforeAll(async () => {
  database = await testDatabase('group-commit-locks')
  pools = openDatabase(database.address, 1)
})
afterAll(async () => {
  await pools?.close()
  await database?.drop()
})

describe('a key that another transaction holds, uncommitted', () => {
  it.each([
    ['commits the same money', 10_000n, 'COMMIT', 'duplicate'],
    ['commits other money', 1n, 'COMMIT', 'conflict'],
    ['rolls back', 10_000n, 'ROLLBACK', 'stored'],
  ] as const)('is waited for: when it %s, the verdict follows', async (_, amountMinor, end, verdict) => {
    const theirs = capture({ amountMinor })
    await holding(theirs, async (finish) => {
      let isAnswered = false
      const outcome = deliver(groupCommit(), capture({ eventId: theirs.eventId })).finally(() => {
        isAnswered = true
      })
      await waitForLockWait(database.address)
      expect(isAnswered).toBe(false)
      await finish(end)
      expect(await outcome).toMatchObject({ kind: verdict })
      expectToldAndStoredAgree([await outcome], await storedEvents(database.pool), true)
    })
  })

  it('longer than the deadline makes the store unavailable, and nothing hangs', async () => {
    const theirs = capture()
    await holding(theirs, async (finish) => {
      const startedMs = performance.now()
      await expect(groupCommit().store(capture({ eventId: theirs.eventId }))).rejects.toThrow(
        StoreUnavailable,
      )
      expect(performance.now() - startedMs).toBeLessThan(2_000)
      await finish('COMMIT')
      expect(await deliver(groupCommit(), capture({ eventId: theirs.eventId }))).toMatchObject({
        kind: 'duplicate',
        standing: theirs.id.toString('hex'),
      })
    })
  })

  it('holds no key while it waits for a smaller one, so that two batches cannot deadlock', async () => {
    const [low, high] = [capture(), capture()].sort((a, b) => Buffer.compare(a.eventKey, b.eventKey))
    if (!low || !high) throw new Error('two events were made')
    await holding(capture({ eventId: low.eventId }), async (finish) => {
      const outcomes = commitBatch(pools.ingest, [high, low], performance.now() + 5_000)
      await waitForLockWait(database.address)
      const [rows] = await database.pool.query<RowDataPacket[]>(
        'SELECT id FROM webhook_events WHERE event_key = ? FOR UPDATE NOWAIT',
        [high.eventKey],
      )
      expect(rows, 'the greater key is free').toHaveLength(0)
      await finish('ROLLBACK')
      expect(await outcomes).toMatchObject([{ kind: 'stored' }, { kind: 'stored' }])
    })
  })
})

it('a row that stands and that a worker holds keeps no other row of its batch waiting', async () => {
  const standing = capture()
  expect(await deliver(groupCommit(), standing)).toMatchObject({ kind: 'stored' })
  const worker = await database.pool.getConnection()
  try {
    await worker.query('START TRANSACTION')
    await worker.query('SELECT id FROM webhook_events WHERE id = ? FOR UPDATE', [standing.id])
    const events = [capture({ eventId: standing.eventId }), ...Array.from({ length: 20 }, () => capture())]
    // The worker holds on for ever; the time is for a machine on which a second of waiting and twenty rows take two.
    const outcomes = await commitBatch(pools.ingest, events, performance.now() + 3 * COMMIT_TIME_MS)
    expect(outcomes[0]).toEqual({ kind: 'duplicate', id: standing.id })
    expect(outcomes.slice(1)).toEqual(events.slice(1).map(({ id }) => ({ kind: 'stored', id })))
  } finally {
    await worker.query('ROLLBACK')
    worker.release()
  }
})

describe("the server's own trouble", () => {
  it.each(['KILL QUERY', 'KILL'])('%s of a waiting insert only delays the verdict', async (kill) => {
    const theirs = capture()
    await holding(theirs, async (finish) => {
      const mine = capture({ eventId: theirs.eventId })
      const outcome = deliver(groupCommit(), mine)
      await database.pool.query(`${kill} ${await waitForLockWait(database.address)}`)
      await finish('ROLLBACK')
      expect(await outcome).toMatchObject({ kind: 'stored', standing: mine.id.toString('hex') })
    })
  })

  it('refuses no row: a table that is missing makes the store unavailable, and one that comes back does not', async () => {
    await database.pool.query('RENAME TABLE webhook_events TO webhook_events_away')
    try {
      expect(await deliver(groupCommit(), capture())).toMatchObject({ kind: 'unavailable' })
      const outcome = deliver(groupCommit(), capture())
      await new Promise(setImmediate)
      await database.pool.query('RENAME TABLE webhook_events_away TO webhook_events')
      expect(await outcome).toMatchObject({ kind: 'stored' })
    } finally {
      await database.pool.query('RENAME TABLE webhook_events_away TO webhook_events').catch(() => undefined)
    }
  })
})

function groupCommit(): GroupCommit {
  return new GroupCommit({ pool: pools.ingest, onStored: () => undefined })
}

/** Runs the work while another transaction has inserted the event and not yet ended. */
async function holding(
  event: NewEvent,
  work: (finish: (sql: 'COMMIT' | 'ROLLBACK') => Promise<void>) => Promise<void>,
): Promise<void> {
  const holder = await database.pool.getConnection()
  try {
    await holder.query('START TRANSACTION')
    await holder.query(...insertOf(event))
    await work(async (sql) => {
      await holder.query(sql)
    })
  } finally {
    holder.destroy()
  }
}

/** The least row that holds the event's key, for a statement of the test's own. */
function insertOf(event: NewEvent): [string, unknown[]] {
  return [
    `INSERT INTO webhook_events (id, event_key, digest, gateway, account, event_id, type, may_settle, state, request_id,
       signature, body, received_at) VALUES (?, ?, ?, ?, ?, ?, ?, 1, 'received', '', '', ?, UTC_TIMESTAMP(3))`,
    [
      event.id,
      event.eventKey,
      event.digest,
      event.gateway,
      event.account,
      event.eventId,
      event.type,
      event.body,
    ],
  ]
}
