import type { PoolConnection } from '../../db/pools.ts'
import { type Id, idFromText } from '../../src/base/ids.ts'
import { acceptBidIn } from '../../src/matching/bids/accept-bid.ts'
import { expireBidsOf } from '../../src/matching/bids/end.ts'
import { placeBidIn } from '../../src/matching/bids/place.ts'
import { withdrawBidIn } from '../../src/matching/bids/withdraw.ts'
import { endOffers, lockLiveOffers } from '../../src/matching/offers/offer-store.ts'
import { acceptTripIn } from '../../src/matching/trips/accept.ts'
import { moveTripIn } from '../../src/matching/trips/move.ts'
import { moveOf } from './trips.ts'

/** Something that somebody does about a trip; ids as texts, so that it crosses process borders. */
export type BidAct =
  | { readonly act: 'place'; readonly tripId: string; readonly driverId: string; readonly amount: number }
  | { readonly act: 'withdraw'; readonly tripId: string; readonly driverId: string }
  | { readonly act: 'choose'; readonly tripId: string; readonly bidId: string }
  | { readonly act: 'accept'; readonly tripId: string; readonly driverId: string; readonly offerId: string }
  | { readonly act: 'cancel'; readonly tripId: string }
  | { readonly act: 'expire'; readonly tripId: string }

/** Does it, and says what it came to. */
export async function performBidAct(connection: PoolConnection, act: BidAct): Promise<string> {
  const { tripId } = act
  switch (act.act) {
    case 'place': {
      const fare = { amountMinor: BigInt(act.amount), currency: 'EGP' }
      return (await placeBidIn(connection, { tripId, driverId: act.driverId, fare })).kind
    }
    case 'withdraw':
      return (await withdrawBidIn(connection, tripId, act.driverId)).kind
    case 'choose':
      return (await acceptBidIn(connection, { tripId, customerId: null, bidId: idOf(act.bidId) })).kind
    case 'accept':
      return (await acceptTripIn(connection, { tripId, driverId: act.driverId, offerId: idOf(act.offerId) }))
        .kind
    case 'cancel':
      return (await moveTripIn(connection, tripId, moveOf('cancelled'))).kind
    case 'expire': {
      const ids = (await lockLiveOffers(connection, tripId, null)).map(({ id }) => id)
      await endOffers(connection, ids, 'expired')
      await expireBidsOf(connection, ids)
      return 'expired'
    }
  }
}

function idOf(text: string): Id {
  const id = idFromText(text)
  if (id === null) throw new Error('no id')
  return id
}
