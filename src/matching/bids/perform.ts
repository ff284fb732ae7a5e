import type { PoolConnection } from '../../../db/pools.ts'
import { appendToFeed } from '../../feed/append.ts'
import { NOBODY_TOLD, type Told } from '../trips/announce.ts'
import { type Performer, tellOfAcceptance } from '../trips/perform.ts'
import { acceptBidIn, type BidAccepted, type Choice } from './accept-bid.ts'
import { bidMessagesOf, placedMessagesOf } from './bid-announcement.ts'
import { type BidPlaced, type Placement, placeBidIn } from './place.ts'
import { type BidWithdrawn, withdrawBidIn } from './withdraw.ts'

/** A driver bids; his rider finds it told, with what it replaced. */
export async function placeAndTell(
  connection: PoolConnection,
  placement: Placement,
): Promise<{ readonly placed: BidPlaced; readonly told: Told }> {
  const placed = await placeBidIn(connection, placement)
  if (placed.kind !== 'placed') return { placed, told: NOBODY_TOLD }
  const replaced = placed.ended.find(({ why }) => why === 'replaced')?.bid ?? null
  const messages = [...bidMessagesOf(placed.ended), ...placedMessagesOf(placed.bid, replaced)]
  return { placed, told: { rings: [], pushes: await appendToFeed(connection, messages) } }
}

/** A driver takes his bid back; his rider finds it told. */
export async function withdrawAndTell(
  connection: PoolConnection,
  tripId: string,
  driverId: string,
): Promise<{ readonly withdrawn: BidWithdrawn; readonly told: Told }> {
  const withdrawn = await withdrawBidIn(connection, tripId, driverId)
  if (withdrawn.kind !== 'withdrawn') return { withdrawn, told: NOBODY_TOLD }
  const pushes = await appendToFeed(connection, bidMessagesOf(withdrawn.ended))
  return { withdrawn, told: { rings: [], pushes } }
}

/** A rider takes a bid; he, the driver and Laravel find it told, and so does whoever is out of it. */
export async function acceptBidAndTell(
  connection: PoolConnection,
  choice: Choice,
  { callbacks, traceId }: Pick<Performer, 'callbacks'> & { readonly traceId: string },
): Promise<{ readonly accepted: BidAccepted; readonly told: Told }> {
  const accepted = await acceptBidIn(connection, choice)
  if (accepted.kind !== 'accepted') return { accepted, told: NOBODY_TOLD }
  const { customerId, offerId } = accepted.bid
  const by = { type: 'customer', id: customerId } as const
  return { accepted, told: await tellOfAcceptance(connection, accepted, { by, offerId, callbacks, traceId }) }
}
