import { sqlLiteral, textLiteral } from '../../db/literal.ts'
import type { Pool, PoolConnection } from '../../db/pools.ts'
import type { RowDataPacket } from '../../db/rows.ts'
import type { NumberedMessage } from './message.ts'

/**
 * How long a message can be asked for again. Two weeks cover a phone that was away for a holiday; whoever comes later starts
 * from a snapshot, which is right whatever was missed.
 */
export const FEED_DAYS = 14

/** A statement stays far below `max_allowed_packet`, 16 MiB on MariaDB, even where every character is escaped to two bytes. */
const MAX_STATEMENT_CHARACTERS = 1_000_000

type Queryable = Pick<PoolConnection | Pool, 'query'>

/**
 * Moves each user's head up by so many messages, and begins the feeds that there were not. The rows stay locked for the
 * transaction. They are locked in ascending order of the ids' bytes: two transactions that tell the same two users would
 * otherwise wait for each other. Uses the primary key.
 */
export async function raiseHeads(connection: Queryable, counts: ReadonlyMap<string, number>): Promise<void> {
  const rows = [...counts].sort(byBytes)
  await connection.query(
    'INSERT INTO feed_heads (user_id, head) VALUES ? ON DUPLICATE KEY UPDATE head = head + VALUES(head)',
    [rows],
  )
}

/** Ids are ASCII, so that JavaScript's order of characters is the column's. */
function byBytes([a]: readonly [string, number], [b]: readonly [string, number]): number {
  return a < b ? -1 : 1
}

/**
 * The number of each user's last message; a user who was never told anything is absent. Without a lock: whoever has not
 * raised them himself reads what is committed. Uses the primary key.
 */
export async function readHeads(
  connection: Queryable,
  userIds: readonly string[],
): Promise<Map<string, number>> {
  if (userIds.length === 0) return new Map()
  const [rows] = await connection.query<RowDataPacket[]>(
    'SELECT user_id, head FROM feed_heads WHERE user_id IN (?)',
    [userIds],
  )
  return new Map(rows.map((row) => [row.user_id, Number(row.head)]))
}

/** Adds numbered messages, in as few statements as their length allows. Data that several in a row share is made into SQL once. */
export async function insertMessages(
  connection: Queryable,
  messages: readonly NumberedMessage[],
): Promise<void> {
  let rows: unknown[][] = []
  let characters = 0
  let last = { data: null as unknown, length: 0, literal: textLiteral('') }
  for (const { userId, seq, event, data } of messages) {
    if (last.data !== data) {
      const json = JSON.stringify(data)
      last = { data, length: json.length, literal: textLiteral(json) }
    }
    if (rows.length > 0 && characters + last.length > MAX_STATEMENT_CHARACTERS) {
      await insertRows(connection, rows)
      rows = []
      characters = 0
    }
    rows.push([userId, seq, event, last.literal, NOW])
    characters += last.length
  }
  await insertRows(connection, rows)
}

const NOW = sqlLiteral('UTC_TIMESTAMP(3)')

async function insertRows(connection: Queryable, rows: readonly unknown[][]): Promise<void> {
  await connection.query('INSERT INTO feed_messages (user_id, seq, event, data, created_at) VALUES ?', [rows])
}

/**
 * A feed's head, how far it was pruned, and its first messages after `since`, at most `limit`, in any order: one statement, so
 * that all three are of one moment. No rows where the user has no feed. Uses the primary keys.
 */
export async function selectFeed(
  connection: Queryable,
  userId: string,
  since: number,
  limit: number,
): Promise<RowDataPacket[]> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT h.head, h.pruned_to, m.seq, m.event, m.data, m.created_at
     FROM feed_heads AS h LEFT JOIN (SELECT seq, event, data, created_at FROM feed_messages
       WHERE user_id = ? AND seq > ? ORDER BY seq LIMIT ?) AS m ON TRUE
     WHERE h.user_id = ?`,
    [userId, since, limit, userId],
  )
  return rows
}

/**
 * Removes at most `limit` messages that are older than FEED_DAYS, and notes in the heads how far; returns how many. Rows that
 * anybody has locked are skipped. The heads stay for ever, so that a number is never given twice, and are locked last and
 * for a moment only. Uses the index age and the primary keys.
 */
export async function pruneMessages(connection: Queryable, limit: number): Promise<number> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT user_id, seq FROM feed_messages FORCE INDEX (age)
     WHERE created_at <= UTC_TIMESTAMP(3) - INTERVAL ${FEED_DAYS} DAY
     ORDER BY created_at LIMIT ? FOR UPDATE SKIP LOCKED`,
    [limit],
  )
  if (rows.length === 0) return 0
  const seqs = new Map<string, number[]>()
  for (const { user_id, seq } of rows) seqs.set(user_id, [...(seqs.get(user_id) ?? []), Number(seq)])
  const places = [...seqs].map(() => '(user_id = ? AND seq IN (?))')
  await connection.query(`DELETE FROM feed_messages WHERE ${places.join(' OR ')}`, [...seqs].flat())
  await notePruned(
    connection,
    [...seqs].map(([userId, gone]) => [userId, Math.max(...gone)]),
  )
  return rows.length
}

/** In the order of the ids, as everybody locks heads. There is a head for every message, so that none is made here. */
async function notePruned(connection: Queryable, prunedTo: [string, number][]): Promise<void> {
  const rows = prunedTo.sort(byBytes).map(([userId, seq]) => [userId, seq, seq])
  await connection.query(
    `INSERT INTO feed_heads (user_id, head, pruned_to) VALUES ?
     ON DUPLICATE KEY UPDATE pruned_to = GREATEST(pruned_to, VALUES(pruned_to))`,
    [rows],
  )
}
