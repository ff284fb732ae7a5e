import { assertNever } from '../../base/assert.ts'
import { answerOfAcceptance, refused, type TripAnswer, type TripRefusal } from '../trips/refusals.ts'
import type { BidAccepted } from './accept-bid.ts'
import type { Bid, WrongFare } from './bid.ts'
import type { BidPlaced } from './place.ts'
import type { BidWithdrawn } from './withdraw.ts'

/** Settled, all of them: asking again is answered alike. */
const REFUSED = {
  not_bidding: { code: 'not_bidding', detail: 'This trip is accepted as it is offered; nobody bids for it.' },
  bid_elsewhere: {
    code: 'bid_elsewhere',
    detail: 'The driver has a live bid for another trip, which he has to withdraw first.',
  },
  bid_unknown: { code: 'bid_unknown', detail: 'There is no such bid.' },
  bid_expired: { code: 'bid_expired', detail: "The bid's deadline has passed." },
  bid_closed: { code: 'bid_closed', detail: 'The driver has withdrawn this bid, or bid otherwise.' },
  bid_outlived: {
    code: 'bid_closed',
    detail:
      'This bid ended when the trip got a driver, who gave it back; the trip waits, and drivers bid anew.',
  },
  accepted: {
    code: 'bid_accepted',
    detail: 'The rider has chosen this bid; the ride is given back by cancelling it.',
  },
} as const

export type BidAnswer = { readonly kind: 'bid'; readonly bid: Bid } | TripRefusal

/** What a placement comes to. Pure. */
export function answerOfPlacement(placed: BidPlaced): BidAnswer {
  switch (placed.kind) {
    case 'placed':
    case 'already':
      return { kind: 'bid', bid: placed.bid }
    case 'wrong_fare':
      return wrongFareRefusal(placed.wrong)
    case 'not_bidding':
    case 'bid_elsewhere':
      return bidRefusal(placed.kind)
    case 'offer_unknown':
    case 'offer_expired':
    case 'offer_closed':
    case 'taken':
    case 'driver_busy':
      return answerOfAcceptance({ kind: placed.kind }) as TripRefusal
    default:
      return assertNever(placed)
  }
}

function wrongFareRefusal(wrong: WrongFare): TripRefusal {
  if (wrong.kind === 'currency')
    return refused('bid_currency', `The trip's fares are in ${wrong.currency}.`, { currency: wrong.currency })
  const mostMinor = Number(wrong.most)
  return refused('bid_too_high', `A bid for this trip is at most ${mostMinor} minor units.`, { mostMinor })
}

/** What taking a bid back comes to; null: it is gone. Pure. */
export function answerOfWithdrawal(withdrawn: BidWithdrawn): TripRefusal | null {
  switch (withdrawn.kind) {
    case 'withdrawn':
    case 'over':
      return null
    case 'accepted':
    case 'bid_unknown':
      return bidRefusal(withdrawn.kind)
    default:
      return assertNever(withdrawn)
  }
}

/** What a rider's choice comes to. Pure. */
export function answerOfChoice(accepted: BidAccepted): TripAnswer {
  switch (accepted.kind) {
    case 'bid_unknown':
    case 'bid_expired':
    case 'bid_closed':
    case 'bid_outlived':
      return bidRefusal(accepted.kind)
    default:
      return answerOfAcceptance(accepted)
  }
}

function bidRefusal(kind: keyof typeof REFUSED): TripRefusal {
  const { code, detail } = REFUSED[kind]
  return refused(code, detail)
}
