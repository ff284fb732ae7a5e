import type { PoolConnection } from '../../../db/pools.ts'
import type { Id } from '../../base/ids.ts'
import { appendToFeed } from '../../feed/append.ts'
import type { Push } from '../../feed/envelope.ts'
import type { FeedMessage } from '../../feed/message.ts'
import { appendToOutbox, type OutboxMessage } from '../../outbox/append.ts'
import type { OfferAnswer } from '../offers/standings.ts'
import { feedMessagesOf, type TripChange } from './trip-announcement.ts'

/** What is to be done once the transaction is committed: ring for the callbacks, publish the messages, look for drivers. */
export interface Told {
  readonly rings: readonly Id[]
  readonly pushes: readonly Push[]
  /** Trips that the dispatcher should look at now. */
  readonly wakes?: readonly string[]
  /** Who took an offer, or did not. */
  readonly answers?: readonly OfferAnswer[]
}

export const NOBODY_TOLD: Told = { rings: [], pushes: [] }

/** One after the other. */
export function alsoTold(first: Told, second: Told): Told {
  return {
    rings: [...first.rings, ...second.rings],
    pushes: [...first.pushes, ...second.pushes],
    wakes: [...(first.wakes ?? []), ...(second.wakes ?? [])],
    answers: [...(first.answers ?? []), ...(second.answers ?? [])],
  }
}

/**
 * Writes what others are told of a trip's change, in its transaction and as the last thing there: callbacks first, then the
 * feeds of the rider and the driver, with what there is to say beside it.
 */
export async function announceTrip(
  connection: PoolConnection,
  change: TripChange,
  callbacks: readonly OutboxMessage[],
  more: readonly FeedMessage[] = [],
): Promise<Told> {
  const rings = await appendToOutbox(connection, callbacks, change.trip.now)
  const pushes = await appendToFeed(connection, [...feedMessagesOf(change), ...more])
  return { rings, pushes }
}
