import type { PoolConnection } from '../../db/pools.ts'
import { assert } from '../base/assert.ts'
import { type FeedMessage, isEventName, isUserId, type NumberedMessage } from './message.ts'
import { insertMessages, raiseHeads, readHeads } from './store.ts'

/**
 * Adds messages to their users' feeds in the caller's transaction; they exist if and only if it commits. Each user's
 * messages get the next numbers of his feed in the order of the array, and nobody else numbers a message of these users
 * before the transaction ends, so that numbers ascend with the commits and none is ever missing. Returns the messages in
 * the same order with their numbers: publish these after the commit (publish.ts).
 *
 * Call it once in a transaction, with everything that there is to say, and after every other lock: the users are locked in the
 * order of their ids, and a second call for others would lock out of order. Three statements, whatever the number of
 * messages; a fourth for every further megabyte. An id or name that the columns cannot hold is a defect of the caller.
 */
export async function appendToFeed<Message extends FeedMessage>(
  connection: PoolConnection,
  messages: readonly Message[],
): Promise<(Message & NumberedMessage)[]> {
  if (messages.length === 0) return []
  const counts = countsOf(messages)
  await raiseHeads(connection, counts)
  const heads = await readHeads(connection, [...counts.keys()])
  const next = new Map<string, number>()
  for (const [userId, count] of counts) {
    const head = heads.get(userId)
    assert(head !== undefined, 'a feed whose head was just raised has none')
    next.set(userId, head - count + 1)
  }
  const numbered = messages.map((message) => {
    const seq = next.get(message.userId) ?? 0
    next.set(message.userId, seq + 1)
    return { ...message, seq }
  })
  await insertMessages(connection, numbered)
  return numbered
}

/** How many messages for each user. */
function countsOf(messages: readonly FeedMessage[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { userId, event } of messages) {
    assert(isUserId(userId), "a message to what cannot be a user's id")
    assert(isEventName(event), 'a message whose name is none')
    counts.set(userId, (counts.get(userId) ?? 0) + 1)
  }
  return counts
}
