import type { Reading } from '../../db/moment.ts'
import type { Pool, PoolConnection } from '../../db/pools.ts'
import { readHeads } from './store.ts'

type Queryable = Pick<PoolConnection | Pool, 'query'>

/** How far a user's feed goes, and how far of it his clients have acknowledged. */
export interface FeedStanding {
  /** The number of his last message; 0 where there is none. */
  readonly head: number
  readonly acked: number
}

/** How each of these users' feeds stands; one who was never told anything is absent. Uses the primary keys. */
export function feedStandings(userIds: readonly string[]): Reading<Map<string, FeedStanding>> {
  return {
    sql: `SELECT h.user_id, h.head, a.acked FROM feed_heads AS h LEFT JOIN feed_acks AS a ON a.user_id = h.user_id
      WHERE h.user_id IN (?)`,
    values: [userIds],
    resultOf: (rows) =>
      new Map(rows.map((row) => [row.user_id, { head: Number(row.head), acked: Number(row.acked ?? 0) }])),
  }
}

/**
 * Keeps how far users have acknowledged their feeds. A number only goes up, in whatever order it is told, and never above the
 * head: what was not said cannot have been seen. In the order of the ids, so that two processes with the same users do not
 * wait for each other. Uses the primary keys.
 */
export async function raiseAcks(connection: Queryable, acks: ReadonlyMap<string, number>): Promise<void> {
  const heads = await readHeads(connection, [...acks.keys()])
  const rows = [...acks]
    .map(([userId, seq]): [string, number] => [userId, Math.min(seq, heads.get(userId) ?? 0)])
    .filter(([, seq]) => seq > 0)
    .sort(([a], [b]) => (a < b ? -1 : 1))
  if (rows.length === 0) return
  // The time first: it is compared with the number that stands, which the next assignment changes.
  await connection.query(
    `INSERT INTO feed_acks (user_id, acked, acked_at) VALUES ${rows.map(() => '(?, ?, UTC_TIMESTAMP(3))').join(', ')}
     ON DUPLICATE KEY UPDATE acked_at = IF(VALUES(acked) > acked, VALUES(acked_at), acked_at),
       acked = GREATEST(acked, VALUES(acked))`,
    rows.flat(),
  )
}
