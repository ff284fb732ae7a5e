import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { PoolConnection } from '../db/pools.ts'
import type { RowDataPacket } from '../db/rows.ts'
import { inTransaction } from '../db/transaction.ts'
import { appendToFeed } from '../src/feed/append.ts'
import type { FeedMessage } from '../src/feed/message.ts'
import { readFeed } from '../src/feed/read.ts'
import { readHeads } from '../src/feed/store.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { append, feedMessage, feedOf } from './support/feed.ts'
import { waitForLockWait } from './support/locks.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await testDatabase('feed')
})
afterAll(() => database?.drop())

const tell = (...messages: FeedMessage[]) => append(database.pool, ...messages)
const contents = (userId: string, since = 0) => feedOf(database.pool, userId, since)
const read = (userId: string, since = 0, limit = 1_000) => readFeed(database.pool, userId, since, limit)

describe('a feed', () => {
  it('numbers each user’s messages from 1, in the order of the array, over transactions', async () => {
    const [a, b] = [randomUUID(), randomUUID()]
    const first = await tell(feedMessage(b, 1), feedMessage(a, 2), feedMessage(b, 3))
    expect(first.map(({ userId, seq, data }) => [userId, seq, data.n])).toEqual([
      [b, 1, 1],
      [a, 1, 2],
      [b, 2, 3],
    ])
    await tell(feedMessage(b, 4), feedMessage(a, 5))
    expect(await contents(b)).toEqual([
      [1, 1],
      [2, 3],
      [3, 4],
    ])
    expect(await contents(a, 1)).toEqual([[2, 5]])
    expect(await readHeads(database.pool, [a, b, 'nobody'])).toEqual(
      new Map([
        [a, 2],
        [b, 3],
      ]),
    )
  })

  it('keeps name, content and time as they were', async () => {
    const userId = randomUUID()
    const data = { text: 'ا"\\\u0000😀', nested: [{ a: null }], amountMinor: 12_500 }
    await tell({ userId, event: 'payment:updated', data })
    const page = await read(userId)
    expect(page).toMatchObject({
      kind: 'messages',
      head: 1,
      messages: [{ userId, event: 'payment:updated', data }],
    })
    const [[row]] = await database.pool.query<RowDataPacket[]>(
      'SELECT TIMESTAMPDIFF(SECOND, created_at, UTC_TIMESTAMP(3)) AS age FROM feed_messages WHERE user_id = ?',
      [userId],
    )
    expect(Number(row?.age)).toBeLessThan(60)
  })

  it('tells upper from lower case', async () => {
    const id = `Case-${randomUUID().slice(0, 8)}`
    await tell(feedMessage(id, 1), feedMessage(id.toLowerCase(), 2))
    expect([await contents(id), await contents(id.toLowerCase())]).toEqual([[[1, 1]], [[1, 2]]])
  })

  it('takes back numbers with their transaction, so that none is missing', async () => {
    const userId = randomUUID()
    await tell(feedMessage(userId, 1))
    await expect(
      inTransaction(database.pool, 'append', async (connection) => {
        await appendToFeed(connection, [feedMessage(userId, 2), feedMessage(userId, 3)])
        throw new Error('taken back')
      }),
    ).rejects.toThrow('taken back')
    await tell(feedMessage(userId, 4))
    expect(await contents(userId)).toEqual([
      [1, 1],
      [2, 4],
    ])
  })

  it.each(['', 'a b', 'x'.repeat(37), 'ü'])('refuses %j for a user', async (userId) => {
    await expect(tell(feedMessage(userId))).rejects.toThrow("cannot be a user's id")
  })

  it('is appended to in few statements, whatever the number of messages', async () => {
    const sent: string[] = []
    await inTransaction(database.pool, 'append', (connection) => {
      const counting = {
        query: (sql: string, values: unknown[]) => {
          sent.push(sql)
          return connection.query(sql, values)
        },
      }
      const messages = Array.from({ length: 1_000 }, (_, n) => feedMessage(`${randomUUID()}`, n))
      return appendToFeed(counting as unknown as PoolConnection, messages)
    })
    expect(sent).toHaveLength(3)
  })

  it('takes more than a statement may hold', async () => {
    const [[row]] = await database.pool.query<RowDataPacket[]>('SELECT @@max_allowed_packet AS bytes')
    const userId = randomUUID()
    // Every character is escaped to two bytes.
    const data = { text: "'".repeat(100_000) }
    const count = Math.ceil(Number(row?.bytes) / 200_000) + 1
    await tell(...Array.from({ length: Math.min(count, 400) }, () => ({ userId, event: 'big', data })))
    expect(await read(userId, 0, 1)).toMatchObject({ head: Math.min(count, 400) })
    await database.pool.query('DELETE FROM feed_messages WHERE user_id = ?', [userId])
  })
})

describe('reading', () => {
  it('gives pages that end at the head', async () => {
    const userId = randomUUID()
    await tell(...[1, 2, 3, 4, 5].map((n) => feedMessage(userId, n)))
    expect(await read(userId, 1, 2)).toMatchObject({ head: 5, messages: [{ seq: 2 }, { seq: 3 }] })
    expect(await read(userId, 3, 2)).toMatchObject({ head: 5, messages: [{ seq: 4 }, { seq: 5 }] })
    expect(await read(userId, 5, 2)).toEqual({ kind: 'messages', head: 5, messages: [] })
  })

  it('knows a user who was never told anything', async () => {
    expect(await read(randomUUID())).toEqual({ kind: 'messages', head: 0, messages: [] })
  })

  it('says that a cursor ahead of the feed is lost', async () => {
    const userId = randomUUID()
    await tell(feedMessage(userId))
    expect(await read(userId, 2)).toEqual({ kind: 'lost', head: 1 })
  })
})

describe('users are locked in the order of their ids', () => {
  it('whatever the order of the messages: whoever waits for one has none behind it', async () => {
    const [a, b, c] = ['a', 'b', 'c'].map((letter) => `${letter}-${randomUUID().slice(0, 8)}`) as [
      string,
      string,
      string,
    ]
    await tell(feedMessage(a), feedMessage(b), feedMessage(c))
    const holder = await database.pool.getConnection()
    await holder.query('START TRANSACTION')
    await holder.query('SELECT head FROM feed_heads WHERE user_id = ? FOR UPDATE', [b])
    const waiting = tell(feedMessage(c), feedMessage(b), feedMessage(a))
    await waitForLockWait(database.address, 'INSERT INTO feed_heads')
    const [free] = await holder.query<RowDataPacket[]>(
      'SELECT user_id FROM feed_heads WHERE user_id IN (?) FOR UPDATE SKIP LOCKED',
      [[a, c]],
    )
    await holder.query('ROLLBACK')
    holder.release()
    expect((await waiting).map(({ seq }) => seq)).toEqual([2, 2, 2])
    expect(free.map(({ user_id }) => user_id)).toEqual([c])
  })
})
