import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { readFeed } from '../src/feed/read.ts'
import type { Appended, AppendOrder } from './fixtures/append-feeds.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { ask, killWorkers, startWorker } from './support/workers.ts'

const TRANSACTIONS = 400
const CONCURRENCY = 4
let database: TestDatabase

beforeAll(async () => {
  database = await testDatabase('feed-concurrency')
})
afterEach(killWorkers)
afterAll(() => database?.drop())

/**
 * The one process names the users in ascending order and the other in descending order, which is how transactions come to
 * wait for each other. A fifth of them is taken back.
 */
it('two processes that tell the same users in opposite orders number each 1, 2, 3 … and never deadlock', async () => {
  const users = Array.from({ length: 6 }, () => randomUUID()).sort()
  const ascending = orders(users)
  const descending = orders(users.toReversed())
  const workers = [await startWorker('append-feeds'), await startWorker('append-feeds')]
  const [one, other] = await Promise.all(
    [ascending, descending].map((transactions, index) =>
      ask<Appended>(workers[index] ?? expect.fail(), {
        address: database.address,
        transactions,
        concurrency: CONCURRENCY,
      } satisfies AppendOrder),
    ),
  )
  const given = [...(one?.given ?? []), ...(other?.given ?? [])]
  for (const userId of users) {
    const numbers = given.filter(([user]) => user === userId).map(([, seq]) => seq)
    const contiguous = Array.from({ length: numbers.length }, (_, index) => index + 1)
    expect(numbers.toSorted((a, b) => a - b)).toEqual(contiguous)
    const page = await readFeed(database.pool, userId, 0, 10_000)
    expect(page.kind === 'messages' && page.messages.map(({ seq }) => seq)).toEqual(contiguous)
  }
  // The first messages of new feeds may meet in a gap; after these nobody ever waits in a circle.
  const deadlocks = (one?.tries ?? 0) + (other?.tries ?? 0) - 2 * TRANSACTIONS
  expect(deadlocks).toBeLessThan(10)
}, 60_000)

/** Each tells some neighbours, two of them twice. */
function orders(users: readonly string[]): AppendOrder['transactions'] {
  return Array.from({ length: TRANSACTIONS }, (_, n) => {
    const from = n % (users.length - 2)
    const some = users.slice(from, from + 3)
    return { userIds: [...some, ...some.slice(0, 2)], rollback: n % 5 === 0 }
  })
}
