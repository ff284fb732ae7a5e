import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openPool, type Pool } from '../db/pools.ts'
import type { RowDataPacket } from '../db/rows.ts'
import { createLogger } from '../src/base/log.ts'
import { raiseAcks } from '../src/feed/acks.ts'
import { Acks } from '../src/realtime/acks.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { append, feedMessage } from './support/feed.ts'
import { propertyRuns } from './support/property-runs.ts'

let database: TestDatabase
let pool: Pool
const log = createLogger({ level: 'silent' })

beforeAll(async () => {
  database = await testDatabase('acks')
  pool = database.pool
})
afterAll(() => database?.drop())

/** A user with so many messages. */
async function userWith(messages: number): Promise<string> {
  const userId = randomUUID()
  if (messages > 0) await append(pool, ...Array.from({ length: messages }, () => feedMessage(userId)))
  return userId
}

async function acked(userId: string): Promise<number | null> {
  const [rows] = await pool.query<RowDataPacket[]>('SELECT acked FROM feed_acks WHERE user_id = ?', [userId])
  return rows[0] ? Number(rows[0].acked) : null
}

it('an acknowledgement only goes up, and never above what was said', async () => {
  const [user, silent] = [await userWith(5), await userWith(0)]
  for (const [seq, stands] of [
    [2, 2],
    [1, 2],
    [4, 4],
    [3, 4],
    [900, 5],
  ] as const) {
    await raiseAcks(pool, new Map([[user, seq]]))
    expect(await acked(user)).toBe(stands)
  }
  await raiseAcks(pool, new Map([[silent, 1]]))
  expect(await acked(silent)).toBeNull()
})

it('whatever order processes write in, the highest stands', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(fc.tuple(fc.nat(2), fc.integer({ min: 1, max: 12 })), { maxLength: 3 }), {
        maxLength: 6,
      }),
      async (writes) => {
        const users = [await userWith(10), await userWith(10), await userWith(3)]
        await Promise.all(
          writes.map(async (batch) => {
            const acks = new Acks({ pool, log })
            for (const [index, seq] of batch) acks.note(users[index] ?? '', seq)
            await acks.runOnce()
          }),
        )
        for (const [index, user] of users.entries()) {
          const told = writes.flat().filter(([of]) => of === index)
          const highest = Math.max(0, ...told.map(([, seq]) => Math.min(seq, index === 2 ? 3 : 10)))
          expect((await acked(user)) ?? 0).toBe(highest)
        }
      },
    ),
    propertyRuns(25),
  )
})

it('many notes of a user are one row of one statement', async () => {
  const user = await userWith(50)
  const acks = new Acks({ pool, log })
  for (const seq of [7, 50, 9, 1]) acks.note(user, seq)
  expect(acks.waiting).toBe(1)
  expect(await acks.runOnce()).toBe(1)
  expect(await acked(user)).toBe(50)
  expect(await acks.runOnce()).toBe(0)
})

it('are written at the stop, in as many batches as it takes', async () => {
  const users = await Promise.all(Array.from({ length: 5 }, () => userWith(2)))
  const acks = new Acks({ pool, log, intervalMs: 3_600_000, batch: 2 })
  acks.start()
  for (const user of users) acks.note(user, 2)
  await acks.stop(5_000)
  expect(await Promise.all(users.map(acked))).toEqual([2, 2, 2, 2, 2])
})

it('wait while the database is away, with the highest number', async () => {
  const user = await userWith(4)
  let isAway = true
  const away = openPool({ ...database.address, port: 1 }, { connectionLimit: 1, lockWaitSeconds: 1 })
  const flaky = { getConnection: () => (isAway ? away : pool).getConnection() } as unknown as Pool
  const acks = new Acks({ pool: flaky, log })
  acks.note(user, 3)
  await expect(acks.runOnce()).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  acks.note(user, 2)
  isAway = false
  await acks.runOnce()
  expect(await acked(user)).toBe(3)
  await away.end()
})
