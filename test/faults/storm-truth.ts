import type { Pool } from '../../db/pools.ts'
import type { RowDataPacket } from '../../db/rows.ts'
import type { StormClient } from './storm-client.ts'
import type { StormNotifier } from './storm-notifier.ts'
import type { StormWriters } from './storm-writers.ts'

/** What stands in the feeds: each user's messages by what they bear, in the order of their numbers. */
export type Feeds = ReadonlyMap<string, readonly string[]>

/** Reads all feeds; throws where a user's numbers are not 1, 2, 3 … up to his head. */
export async function readFeeds(pool: Pool): Promise<Feeds> {
  const [rows] = await pool.query<RowDataPacket[]>(
    `SELECT h.user_id, h.head, m.seq, m.data FROM feed_heads AS h
     LEFT JOIN feed_messages AS m ON m.user_id = h.user_id ORDER BY h.user_id, m.seq`,
  )
  const feeds = new Map<string, string[]>()
  const heads = new Map<string, number>()
  for (const { user_id: userId, head, seq, data } of rows) {
    const feed = feeds.get(userId) ?? []
    feeds.set(userId, feed)
    heads.set(userId, Number(head))
    if (seq === null) continue
    feed.push(String(JSON.parse(data).id))
    if (Number(seq) !== feed.length) throw new Error(`${userId} has no message ${feed.length}, but ${seq}`)
  }
  for (const [userId, feed] of feeds)
    if (heads.get(userId) !== feed.length)
      throw new Error(`${userId} has ${feed.length} messages, head ${heads.get(userId)}`)
  return feeds
}

/** In words, where feeds are not what writers committed and Laravel was told was accepted. Empty: all is well. */
export function wrongFeeds(feeds: Feeds, writers: StormWriters, notifier: StormNotifier): string[] {
  const wrong: string[] = []
  const expected = new Map<string, number>()
  for (const [userId, told] of writers.committed)
    for (const [seq, id] of told) {
      const stands = feeds.get(userId)?.[seq - 1]
      if (stands !== id) wrong.push(`${userId} was told ${id} by number ${seq}, where ${stands} stands`)
    }
  for (const [userId, told] of writers.committed) expected.set(userId, told.size)
  for (const { id, userIds } of notifier.accepted)
    for (const userId of userIds) {
      const times = feeds.get(userId)?.filter((one) => one === id).length ?? 0
      if (times !== 1) wrong.push(`${userId} was notified of ${id} ${times} times`)
      expected.set(userId, (expected.get(userId) ?? 0) + 1)
    }
  // Anything beyond is of a transaction that was taken back.
  for (const [userId, feed] of feeds) {
    const count = expected.get(userId) ?? 0
    if (feed.length !== count) wrong.push(`${userId} has ${feed.length} messages instead of ${count}`)
  }
  return wrong
}

/** In words, where a client has not shown exactly what stands in its user's feed. */
export function wrongClients(feeds: Feeds, clients: readonly StormClient[]): string[] {
  return clients.flatMap((client) => {
    const feed = feeds.get(client.userId) ?? []
    const at = feed.findIndex((id, index) => client.shown[index] !== id)
    if (at === -1 && client.shown.length === feed.length) return []
    return [`shows ${client.shown[at]} where ${feed[at]} stands, of ${feed.length}: ${client.story}`]
  })
}

/** The users with a driver's session that is not connected. */
export async function absentDrivers(pool: Pool): Promise<string[]> {
  const [rows] = await pool.query<RowDataPacket[]>(
    "SELECT user_id, state FROM driver_sessions WHERE state <> 'connected'",
  )
  return rows.map((row) => `${row.user_id} is ${row.state}`)
}
