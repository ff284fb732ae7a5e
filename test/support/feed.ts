import { expect } from 'vitest'
import type { Pool } from '../../db/pools.ts'
import type { ResultSetHeader } from '../../db/rows.ts'
import { inTransaction } from '../../db/transaction.ts'
import { appendToFeed } from '../../src/feed/append.ts'
import type { FeedMessage, NumberedMessage } from '../../src/feed/message.ts'
import { readFeed } from '../../src/feed/read.ts'

/** A message that is told from others by its number `n`. */
export function feedMessage(userId: string, n = 0): FeedMessage {
  return { userId, event: 'ride:started', data: { n } }
}

/** Appends in a transaction of its own. */
export function append(pool: Pool, ...messages: FeedMessage[]): Promise<NumberedMessage[]> {
  return inTransaction(pool, 'append', (connection) => appendToFeed(connection, messages))
}

/** Place and `n` of each message after the cursor; `lost` where they are. */
export async function feedOf(pool: Pool, userId: string, since = 0): Promise<unknown> {
  const page = await readFeed(pool, userId, since, 10_000)
  return page.kind === 'lost' ? 'lost' : page.messages.map(({ seq, data }) => [seq, data.n])
}

/** Lets messages be so many days old. */
export async function letAge(pool: Pool, userId: string, seqs: number[], days: number): Promise<void> {
  const [result] = await pool.query<ResultSetHeader>(
    'UPDATE feed_messages SET created_at = UTC_TIMESTAMP(3) - INTERVAL ? DAY WHERE user_id = ? AND seq IN (?)',
    [days, userId, seqs],
  )
  expect(result.affectedRows).toBeGreaterThan(0)
}
