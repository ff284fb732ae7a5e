import { idFromText } from '../../base/ids.ts'
import { bidJson } from '../../matching/bids/json.ts'
import { acceptBidAndTell, placeAndTell, withdrawAndTell } from '../../matching/bids/perform.ts'
import {
  answerOfChoice,
  answerOfPlacement,
  answerOfWithdrawal,
  type BidAnswer,
} from '../../matching/bids/refusals.ts'
import { type Done, type Handlers, nothing, type Outcome, ok, refusedForGood } from './command.ts'
import { outcomeOf, type TripCommandsOptions } from './trip-commands.ts'

/** Drivers bid, and riders choose. Of another's trip nobody learns even that there is one. */
export function bidCommands({ callbacks }: TripCommandsOptions): Handlers {
  return {
    'bid:place': {
      kind: 'once',
      limit: 'bid',
      handle: async (connection, { user }, { rideId, amountMinor, currency }): Promise<Done> => {
        const fare = { amountMinor: BigInt(amountMinor), currency }
        const placement = { tripId: rideId, driverId: user.userId, fare }
        const { placed, told } = await placeAndTell(connection, placement)
        return { outcome: bidOutcome(answerOfPlacement(placed)), told }
      },
    },
    'bid:withdraw': {
      kind: 'once',
      limit: 'bid',
      handle: async (connection, { user }, { rideId }): Promise<Done> => {
        const { withdrawn, told } = await withdrawAndTell(connection, rideId, user.userId)
        const refusal = answerOfWithdrawal(withdrawn)
        const outcome = refusal === null ? ok({ rideId }) : refusedForGood(refusal.code, refusal.detail)
        return { outcome, told }
      },
    },
    'bid:accept': {
      kind: 'once',
      limit: 'command',
      handle: async (connection, { user, traceId }, { rideId, bidId: bidText }): Promise<Done> => {
        const bidId = idFromText(bidText)
        if (bidId === null) return nothing(outcomeOf(answerOfChoice({ kind: 'bid_unknown' })))
        const choice = { tripId: rideId, customerId: user.userId, bidId }
        const { accepted, told } = await acceptBidAndTell(connection, choice, { callbacks, traceId })
        return { outcome: outcomeOf(answerOfChoice(accepted)), told }
      },
    },
  }
}

function bidOutcome(answer: BidAnswer): Outcome {
  return answer.kind === 'bid' ? ok(bidJson(answer.bid)) : refusedForGood(answer.code, answer.detail)
}
