import type { PoolConnection } from '../../db/pools.ts'
import { type Id, newId } from '../base/ids.ts'

/** A message to somebody else, committed with the change that it tells of. */
export interface OutboxMessage {
  /** Who gets it: `laravel`. */
  readonly topic: string
  /** Messages of one key are delivered one by one, in the order in which they were added: the trip, else the payment. */
  readonly orderingKey: string
  readonly event: string
  /** JSON values only. */
  readonly payload: Readonly<Record<string, unknown>>
  /** What the receiver may join its logs with: the id of the request that caused it, at most 64 plain characters. */
  readonly traceId?: string
}

/** Whoever added a message rings for it; only where he died first does the sweeper, after this. */
const OWN_RING_MS = 5_000
/** The sweeper's look at a message that waits for another of its key, whose end will wake it sooner. */
export const FOLLOWER_LOOK_SECONDS = 300

/**
 * Adds messages in the caller's transaction; they exist if and only if it commits. Returns the first message of each key:
 * ring for these after the commit. `now` is the database's clock.
 */
export async function appendToOutbox(
  connection: PoolConnection,
  messages: readonly OutboxMessage[],
  now: Date,
): Promise<Id[]> {
  if (messages.length === 0) return []
  const first = new Map<string, Id>()
  const rows = messages.map((message) => {
    const id = newId()
    const key = `${message.topic} ${message.orderingKey}`
    const follows = first.has(key)
    if (!follows) first.set(key, id)
    const lookMs = follows ? FOLLOWER_LOOK_SECONDS * 1_000 : OWN_RING_MS
    const { topic, orderingKey, event, payload, traceId } = message
    const nextAt = new Date(now.getTime() + lookMs)
    return [id, topic, orderingKey, event, JSON.stringify(payload), traceId ?? null, 'pending', nextAt, now]
  })
  // The rows of one statement draw their seq in the order of the statement.
  await connection.query(
    'INSERT INTO outbox (id, topic, ordering_key, event, payload, trace_id, state, next_at, created_at) VALUES ?',
    [rows],
  )
  return [...first.values()]
}
