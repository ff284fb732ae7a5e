import type { PoolConnection } from '../../db/pools.ts'
import { newId } from '../base/ids.ts'

/** A message to somebody else, committed with the change that it tells of. */
export interface OutboxMessage {
  /** Who gets it: `laravel`. */
  readonly topic: string
  /** Messages of one key are delivered one by one, in the order of their ids: the trip, else the payment. */
  readonly orderingKey: string
  readonly event: string
  /** JSON values only. */
  readonly payload: Readonly<Record<string, unknown>>
}

/** Adds messages in the caller's transaction; they exist if and only if it commits. */
export async function appendToOutbox(
  connection: PoolConnection,
  messages: readonly OutboxMessage[],
  now: Date,
): Promise<void> {
  if (messages.length === 0) return
  await connection.query(
    'INSERT INTO outbox (id, topic, ordering_key, event, payload, state, next_at, created_at) VALUES ?',
    [
      messages.map((message) => [
        newId(),
        message.topic,
        message.orderingKey,
        message.event,
        JSON.stringify(message.payload),
        'pending',
        now,
        now,
      ]),
    ],
  )
}
