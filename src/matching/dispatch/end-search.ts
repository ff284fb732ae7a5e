import type { PoolConnection } from '../../../db/pools.ts'
import { appendToFeed } from '../../feed/append.ts'
import { bidMessagesOf } from '../bids/bid-announcement.ts'
import { endBidsIn } from '../bids/end.ts'
import { expiredPushes } from '../offers/expire.ts'
import { endOffers, lockLiveOffers } from '../offers/offer-store.ts'
import { NOBODY_TOLD, type Told } from '../trips/announce.ts'
import type { Trip } from '../trips/trip.ts'
import { lockTrip, lockTripAtOnce } from '../trips/trip-reader.ts'
import { endDispatchIn } from './dispatch-store.ts'

/** Nobody has it, and nobody ended it. */
export function isWaiting({ state, driverId }: Trip): boolean {
  return state === 'pending' && driverId === null
}

/**
 * Nobody is looked for any more, and those who were asked, or bid, hear that it is over. For a trip that Laravel gave away or ended by
 * itself, without telling; it is locked.
 */
export async function endSearchIn(connection: PoolConnection, tripId: string): Promise<Told> {
  await endDispatchIn(connection, tripId)
  const live = await lockLiveOffers(connection, tripId, null)
  await endOffers(
    connection,
    live.map(({ id }) => id),
    'withdrawn',
  )
  const bids = await endBidsIn(connection, tripId, null)
  const messages = await appendToFeed(connection, bidMessagesOf(bids))
  return { rings: [], pushes: [...messages, ...expiredPushes(live)] }
}

/** The same in the caller's transaction, if the trip does not wait any more. What a window finds held is closed by the next. */
export async function closeSearchIn(
  connection: PoolConnection,
  tripId: string,
  windowNumber: number | null = null,
): Promise<Told> {
  const trip = await lockFor({ windowNumber })(connection, tripId)
  if (trip === 'held') return NOBODY_TOLD
  return trip !== null && isWaiting(trip) ? NOBODY_TOLD : endSearchIn(connection, tripId)
}

/** A window has many trips: one that somebody holds is in the next, and keeps no other waiting. */
export function lockFor({ windowNumber }: { readonly windowNumber: number | null }): typeof lockTripAtOnce {
  return windowNumber === null ? lockTrip : lockTripAtOnce
}
