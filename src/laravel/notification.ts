import type { PoolConnection } from '../../db/pools.ts'
import { appendToFeed } from '../feed/append.ts'
import type { Push } from '../feed/envelope.ts'

/**
 * Every limit of what Laravel may tell users at once. A thousand users with eight kilobytes each are eight statements of the
 * feed, which is what one transaction may reasonably be.
 */
export const NOTIFICATION_LIMITS = {
  users: 1_000,
  /** Of the data's JSON. */
  dataBytes: 8 * 1024,
  eventCharacters: 64,
} as const

/**
 * Families of names in which Onceline itself speaks, and the words of the protocol: what a client is told under these it must be
 * able to believe, so that nobody else may say them. Payments and their money above all; a trip's state and its offers,
 * bids, drivers' positions and presence; the feed's and the session's own frames.
 */
const RESERVED_FAMILIES = ['payment', 'ride', 'trip', 'driver', 'bid', 'feed', 'auth'] as const
const RESERVED_NAMES = ['ready', 'ping', 'pong', 'error'] as const

const EVENT_NAME = /^[a-z][a-z0-9_]*(?::[a-z][a-z0-9_]*)*$/

/** What is wrong with the name of a message from Laravel; null: nothing. */
export function eventNameProblem(name: string): string | null {
  if (name.length > NOTIFICATION_LIMITS.eventCharacters || !EVENT_NAME.test(name))
    return `1 to ${NOTIFICATION_LIMITS.eventCharacters} lower-case letters, digits and _, in parts with : between`
  const family = name.split(':', 1)[0]
  const isReserved = [...RESERVED_FAMILIES, ...RESERVED_NAMES].some((word) => word === family)
  return isReserved ? `${family} is a name under which Onceline alone speaks` : null
}

/** The same message for each of these users. */
export interface Notification {
  readonly userIds: readonly string[]
  readonly event: string
  readonly data: Readonly<Record<string, unknown>>
  /** True: numbered and kept in each user's feed. False: told to those who listen at that moment, and to nobody else. */
  readonly durable: boolean
}

/**
 * What to publish after the commit. A durable message is in the feeds, if the caller's transaction commits; the users are locked
 * by it, so nothing else may be appended or locked after it.
 */
export async function notifyIn(
  connection: PoolConnection,
  { userIds, event, data, durable }: Notification,
): Promise<readonly Push[]> {
  const messages = userIds.map((userId) => ({ userId, event, data }))
  return durable ? appendToFeed(connection, messages) : messages
}
