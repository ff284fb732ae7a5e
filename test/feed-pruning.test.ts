import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RowDataPacket } from '../db/rows.ts'
import { inTransaction } from '../db/transaction.ts'
import { createLogger } from '../src/base/log.ts'
import { appendToFeed } from '../src/feed/append.ts'
import type { FeedMessage } from '../src/feed/message.ts'
import { feedPruner } from '../src/feed/pruner.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { append, feedMessage, feedOf, letAge } from './support/feed.ts'
import { propertyRuns } from './support/property-runs.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await testDatabase('feed-pruning')
})
afterAll(() => database?.drop())

const tell = (...messages: FeedMessage[]) => append(database.pool, ...messages)
const contents = (userId: string, since = 0) => feedOf(database.pool, userId, since)

describe('pruning', () => {
  it('takes messages that are older than two weeks, and only these, and says so to who asks for them', async () => {
    const [a, b] = [randomUUID(), randomUUID()]
    await tell(...[1, 2, 3].map((n) => feedMessage(a, n)), feedMessage(b, 1))
    await letAge(database.pool, a, [1, 2], 14)
    await letAge(database.pool, a, [3], 13)
    const pruner = feedPruner({ pool: database.pool, log: createLogger({ level: 'silent' }) })
    expect(await pruner.runOnce()).toEqual({ messages: 2 })
    expect([await contents(a, 0), await contents(a, 1), await contents(a, 2)]).toEqual([
      'lost',
      'lost',
      [[3, 3]],
    ])
    expect(await contents(b)).toEqual([[1, 1]])
    await letAge(database.pool, a, [3], 14)
    expect(await pruner.runOnce()).toEqual({ messages: 1 })
    expect([await contents(a, 2), await contents(a, 3)]).toEqual(['lost', []])
    expect((await tell(feedMessage(a)))[0]?.seq, 'a number is never given twice').toBe(4)
  })

  it('goes in small batches, which pruners share', async () => {
    const users = Array.from({ length: 5 }, () => randomUUID())
    await tell(...users.flatMap((userId) => Array.from({ length: 5 }, () => feedMessage(userId))))
    for (const userId of users) await letAge(database.pool, userId, [1, 2, 3, 4, 5], 20)
    const pruners = [1, 2].map(() =>
      feedPruner({ pool: database.pool, log: createLogger({ level: 'silent' }), batch: 10 }),
    )
    expect(await Promise.all(pruners.map((pruner) => pruner.runOnce()))).toEqual([
      { messages: 10 },
      { messages: 10 },
    ])
    expect(await pruners[0]?.runOnce()).toEqual({ messages: 5 })
    for (const userId of users)
      expect([await contents(userId, 4), await contents(userId, 5)]).toEqual(['lost', []])
  })

  it('passes by what is locked, and holds up nobody who appends', async () => {
    const [held, free] = [randomUUID(), randomUUID()]
    await tell(feedMessage(held), feedMessage(free))
    await letAge(database.pool, held, [1], 20)
    await letAge(database.pool, free, [1], 20)
    const holder = await database.pool.getConnection()
    await holder.query('START TRANSACTION')
    await holder.query('SELECT seq FROM feed_messages WHERE user_id = ? FOR UPDATE', [held])
    const pruner = feedPruner({ pool: database.pool, log: createLogger({ level: 'silent' }) })
    expect(await pruner.runOnce()).toEqual({ messages: 1 })
    expect((await tell(feedMessage(held), feedMessage(free))).map(({ seq }) => seq)).toEqual([2, 2])
    await holder.query('ROLLBACK')
    holder.release()
    expect(await pruner.runOnce()).toEqual({ messages: 1 })
  })

  it('goes by the index of ages, and deletes by the primary key', async () => {
    const users = Array.from({ length: 300 }, () => randomUUID())
    for (let turn = 0; turn < 4; turn += 1) await tell(...users.map((userId) => feedMessage(userId, turn)))
    await database.pool.query('ANALYZE TABLE feed_messages')
    const plan = async (sql: string, values: unknown[]) => {
      const [rows] = await database.pool.query<RowDataPacket[]>(`EXPLAIN FORMAT=TRADITIONAL ${sql}`, values)
      return rows.map(({ key, type, Extra }) => [key, type, /filesort|temporary/.test(Extra ?? '')])
    }
    expect(
      await plan(
        'DELETE FROM feed_messages WHERE (user_id = ? AND seq IN (?)) OR (user_id = ? AND seq IN (?))',
        [users[0], [1, 2], users[1], [1]],
      ),
    ).toEqual([['PRIMARY', 'range', false]])
    expect(
      await plan(
        'SELECT seq, event, data FROM feed_messages WHERE user_id = ? AND seq > ? ORDER BY seq LIMIT ?',
        [users[0], 2, 10],
      ),
    ).toEqual([['PRIMARY', 'range', false]])
  })
})

it('any sequence of transactions, kept or taken back, and prunings leaves what a simple list would', async () => {
  const step = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('append' as const),
        users: fc.array(fc.nat(4), { maxLength: 12 }),
        keep: fc.boolean(),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('prune' as const), user: fc.nat(4), upTo: fc.nat(10) }),
    },
  )
  const pruner = feedPruner({ pool: database.pool, log: createLogger({ level: 'silent' }) })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      const users = Array.from({ length: 5 }, () => randomUUID())
      const model = users.map(() => ({ list: [] as number[], prunedTo: 0 }))
      let n = 0
      for (const one of steps) {
        if (one.kind === 'append') {
          const messages = one.users.map((user) => ({ user, n: ++n }))
          const appended = inTransaction(database.pool, 'append', async (connection) => {
            await appendToFeed(
              connection,
              messages.map(({ user, n }) => feedMessage(users[user] ?? '', n)),
            )
            if (!one.keep) throw new Error('taken back')
          })
          await appended.catch(() => undefined)
          if (one.keep) for (const { user, n } of messages) model[user]?.list.push(n)
        } else {
          const feed = model[one.user]
          const upTo = Math.min(one.upTo, feed?.list.length ?? 0)
          if (!feed || upTo <= feed.prunedTo) continue
          await letAge(
            database.pool,
            users[one.user] ?? '',
            Array.from({ length: upTo }, (_, index) => index + 1),
            15,
          )
          await pruner.runOnce()
          feed.prunedTo = upTo
        }
      }
      for (const [user, { list, prunedTo }] of model.entries()) {
        const userId = users[user] ?? ''
        for (let since = 0; since <= list.length; since += 1) {
          const expected = list.slice(since).map((n, index) => [since + index + 1, n])
          expect(await contents(userId, since)).toEqual(since < prunedTo ? 'lost' : expected)
        }
      }
    }),
    propertyRuns(40),
  )
})
