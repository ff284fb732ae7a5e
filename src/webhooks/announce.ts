import type { PoolConnection } from '../../db/pools.ts'
import type { Id } from '../base/ids.ts'
import { appendToFeed } from '../feed/append.ts'
import type { DurablePush } from '../feed/envelope.ts'
import { type Parties, readParties } from '../matching/trips/parties-store.ts'
import { appendToOutbox } from '../outbox/append.ts'
import { type Announcement, announcementsOf, feedMessagesOf } from '../payments/announcement.ts'
import type { PaymentBook } from '../payments/book.ts'
import type { PaymentRow } from '../payments/store.ts'
import type { ClaimedEvent } from './event-store.ts'

/** What is to be done once the transaction is committed: ring for the callbacks, publish the messages. */
export interface Announced {
  readonly rings: readonly Id[]
  readonly pushes: readonly DurablePush[]
}

export const NOTHING_ANNOUNCED: Announced = { rings: [], pushes: [] }

/** One transition, and the event that brought it about. */
interface Told {
  readonly row: PaymentRow
  readonly event: ClaimedEvent | undefined
  readonly announcements: readonly Announcement[]
}

/**
 * Writes what others are told of a book's transitions, in its transaction and as the last thing there: the feeds of riders and
 * drivers, and then callbacks if there are to be any. The feeds' users are locked by then, so that of two payments of one
 * rider's trip that change at once the callbacks are numbered as they are committed; adding callbacks waits for nobody. `now` is the database's
 * clock.
 */
export async function announceMoves(
  connection: PoolConnection,
  book: PaymentBook,
  events: readonly ClaimedEvent[],
  { callbacks, now }: { readonly callbacks: boolean; readonly now: Date },
): Promise<Announced> {
  if (book.moves.length === 0) return NOTHING_ANNOUNCED
  const byId = new Map(events.map((event) => [event.id.toString('hex'), event]))
  const told = book.moves.flatMap((move): Told[] => {
    const row = book.find(move.paymentId)
    const event = byId.get(move.eventId?.toString('hex') ?? '')
    return row ? [{ row, event, announcements: announcementsOf(move, row, now) }] : []
  })
  const parties = await readParties(connection, tripsToAskFor(told))
  const pushes = await appendToFeed(
    connection,
    told.flatMap((one) => pushesOf(one, parties)),
  )
  const rings = callbacks ? await appendToOutbox(connection, told.flatMap(callbacksOf), now) : []
  return { rings, pushes }
}

/** The receiver's trace id is that of the delivery which moved the payment. */
function callbacksOf({ event, announcements }: Told) {
  const more = { topic: 'laravel', ...(event === undefined ? {} : { traceId: event.requestId }) }
  return announcements.map((announcement) => ({ ...more, ...announcement }))
}

/**
 * A payment that was registered before anybody drove knows no driver, and its trip does. One look for all such payments of a
 * batch, and none where the payments know both.
 */
function tripsToAskFor(told: readonly Told[]): string[] {
  const lacking = told.filter(({ row }) => row.customerId === null || row.driverId === null)
  return [...new Set(lacking.flatMap(({ row }) => row.tripId ?? []))]
}

function pushesOf({ row, event, announcements }: Told, parties: ReadonlyMap<string, Parties>) {
  const trip = parties.get(row.tripId ?? '')
  const users = [row.customerId ?? trip?.customerId ?? null, row.driverId ?? trip?.driverId ?? null]
  const born = event === undefined ? {} : { bornAtMs: event.receivedAt.getTime() }
  return feedMessagesOf(announcements, users).map((message) => ({ ...message, ...born }))
}
