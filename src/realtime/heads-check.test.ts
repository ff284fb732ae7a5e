import { expect, it } from 'vitest'
import type { Pool } from '../../db/pools.ts'
import { createLogger } from '../base/log.ts'
import type { Connection } from './connection.ts'
import { FeedCursor } from './feed-cursor.ts'
import { HeadsCheck } from './heads-check.ts'

/** A socket that is live behind message 0 of this user. */
function live(userId: string): Connection {
  const cursor = new FeedCursor()
  cursor.restart(0)
  cursor.settle(0)
  return { cursor, user: { userId } } as unknown as Connection
}

it('one part that cannot be read keeps no other waiting, and is told of', async () => {
  let asked = 0
  const pool = {
    getConnection: async () => {
      asked += 1
      if (asked === 1) throw new Error('away')
      return { query: async () => [[{ user_id: 'user-1500', head: '1' }]], release: () => undefined }
    },
  } as unknown as Pool
  const connections = new Set(Array.from({ length: 2_000 }, (_, n) => live(`user-${n}`)))
  const found: string[] = []
  const check = new HeadsCheck({
    pool,
    log: createLogger({ level: 'silent' }),
    metrics: { missed: () => undefined },
    connections,
    onGap: ({ user }) => found.push(user.userId),
  })
  await expect(check.runOnce()).rejects.toThrow('away')
  expect(found).toEqual(['user-1500'])
})
