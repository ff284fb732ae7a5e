import type { PoolConnection } from '../../../db/pools.ts'
import type { Id } from '../../base/ids.ts'
import { appendToFeed } from '../../feed/append.ts'
import type { EndedBid } from '../bids/bid.ts'
import { bidMessagesOf } from '../bids/bid-announcement.ts'
import { expireBidsOf, withdrawBidsOf } from '../bids/end.ts'
import { type EndedOffer, expiredPushes, expireOffersIn } from '../offers/expire.ts'
import { type OfferRejected, type Rejection, rejectOfferIn } from '../offers/reject.ts'
import { withdrawOffersOfIn } from '../offers/withdraw.ts'
import { NOBODY_TOLD, type Told } from '../trips/announce.ts'
import { lookSoonIn } from './next-look.ts'

// An offer that ends takes the bid that was made by it along, and the rider hears of that.

export interface Expired {
  readonly expired: readonly EndedOffer[]
  /** After the commit. */
  readonly told: Told
}

/** Ends those of these offers whose deadline has passed, and that nobody holds, in a transaction that is for this alone. */
export async function expireAndTell(connection: PoolConnection, ids: readonly Id[]): Promise<Expired> {
  const expired = await expireOffersIn(connection, ids, { passingBy: true })
  const bids = await expireBidsOf(connection, idsOf(expired))
  return { expired, told: await toldOf(connection, expired, bids) }
}

/** What drivers held, and is over. */
export interface Withdrawn {
  readonly offers: readonly EndedOffer[]
  readonly bids: readonly EndedBid[]
}

/** Drivers stop working: what they were asked is for others, and what they bid is withdrawn. Locks no trip, and comes before their own rows. */
export async function withdrawIn(
  connection: PoolConnection,
  driverIds: readonly string[],
): Promise<Withdrawn> {
  const offers = await withdrawOffersOfIn(connection, driverIds)
  return { offers, bids: await withdrawBidsOf(connection, idsOf(offers)) }
}

/** Tells of it, as the last thing in the transaction. Wake the dispatcher for the trips. */
export async function tellOfWithdrawn(
  connection: PoolConnection,
  { offers, bids }: Withdrawn,
): Promise<Told> {
  const wakes = offers.map(({ tripId }) => tripId)
  await lookSoonIn(connection, wakes)
  const told = await toldOf(connection, offers, bids)
  const answers = offers.map(({ driverId }) => ({ driverId, state: 'withdrawn' as const }))
  return { ...told, wakes, answers }
}

/** A driver does not take a trip; the next is asked. */
export async function rejectAndTell(
  connection: PoolConnection,
  rejection: Rejection,
): Promise<{ readonly rejected: OfferRejected; readonly told: Told }> {
  const rejected = await rejectOfferIn(connection, rejection)
  if (rejected.kind !== 'rejected') return { rejected, told: NOBODY_TOLD }
  const bids = await withdrawBidsOf(connection, [rejection.offerId])
  const told = await toldOf(connection, [], bids)
  const answers = [{ driverId: rejection.driverId, state: 'rejected' as const }]
  return { rejected, told: { ...told, wakes: [rejection.tripId], answers } }
}

async function toldOf(
  connection: PoolConnection,
  offers: readonly EndedOffer[],
  bids: readonly EndedBid[],
): Promise<Told> {
  const messages = await appendToFeed(connection, bidMessagesOf(bids))
  return { rings: [], pushes: [...messages, ...expiredPushes(offers)] }
}

function idsOf(offers: readonly EndedOffer[]): Id[] {
  return offers.map(({ id }) => id)
}
