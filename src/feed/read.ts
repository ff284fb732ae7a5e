import type { Pool, PoolConnection } from '../../db/pools.ts'
import type { NumberedMessage } from './message.ts'
import { selectFeed } from './store.ts'

/** A message as it stands in the feed. */
export interface StoredMessage extends NumberedMessage {
  readonly createdAt: Date
}

/**
 * messages: those after the cursor, contiguous from `since` + 1; fewer than were asked for means that they end at `head`.
 * lost: what follows the cursor was pruned, or the cursor is ahead of the feed, as after a restored backup; whoever asks
 * must start anew from a snapshot and from `head`.
 */
export type FeedPage =
  | { readonly kind: 'messages'; readonly head: number; readonly messages: readonly StoredMessage[] }
  | { readonly kind: 'lost'; readonly head: number }

/**
 * Reads a user's messages after the number `since` (0: from the beginning), in order, at most `limit`. Without a lock: it
 * sees what is committed, and a message of a transaction that is still open has a higher number than all that it sees.
 */
export async function readFeed(
  connection: Pick<PoolConnection | Pool, 'query'>,
  userId: string,
  since: number,
  limit: number,
): Promise<FeedPage> {
  const rows = await selectFeed(connection, userId, since, limit)
  const head = Number(rows[0]?.head ?? 0)
  const prunedTo = Number(rows[0]?.pruned_to ?? 0)
  if (since < prunedTo || since > head) return { kind: 'lost', head }
  const messages = rows
    .filter(({ seq }) => seq !== null)
    .map((row) => ({
      userId,
      seq: Number(row.seq),
      event: row.event,
      data: JSON.parse(row.data),
      createdAt: row.created_at,
    }))
    .sort((a, b) => a.seq - b.seq)
  return { kind: 'messages', head, messages }
}
