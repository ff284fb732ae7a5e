import { assertNever } from '../../base/assert.ts'
import { idFromText } from '../../base/ids.ts'
import { rejectAndTell } from '../../matching/dispatch/ended-offers.ts'
import type { OfferRejected } from '../../matching/offers/reject.ts'
import { type Handlers, nothing, type Outcome, ok, refusedForGood, refusedForNow } from './command.ts'

const UNKNOWN = refusedForNow('offer_unknown', 'This trip was not offered to this driver by this offer.')

/** What drivers say of offers, but for taking them. */
export function offerCommands(): Handlers {
  return {
    'driver:reject:ride': {
      kind: 'once',
      limit: 'command',
      handle: async (connection, { user }, { rideId, offerId: offerText, reason = null }) => {
        const offerId = idFromText(offerText)
        if (offerId === null) return nothing(UNKNOWN)
        const rejection = { tripId: rideId, driverId: user.userId, offerId, reason }
        const { rejected, told } = await rejectAndTell(connection, rejection)
        return { outcome: outcomeOf(rejected, { rideId, offerId: offerText }), told }
      },
    },
  }
}

function outcomeOf(rejected: OfferRejected, offer: { rideId: string; offerId: string }): Outcome {
  switch (rejected.kind) {
    case 'rejected':
      return ok({ ...offer, state: 'rejected' })
    case 'over':
      return ok({ ...offer, state: rejected.state })
    case 'accepted':
      return refusedForGood('offer_accepted', 'He has the ride; who does not want it any more cancels it.')
    case 'offer_unknown':
      return UNKNOWN
    default:
      return assertNever(rejected)
  }
}
