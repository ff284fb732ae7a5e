import { stateOfBid } from './bids.ts'
import { bidsElsewhere, type City, isOnAnother, type TripState } from './city-state.ts'
import { offerOf, type TripAct } from './trip-acts.ts'

/** Whether an act may be refused with this word as things stand. `isWhole`: no other trips are known of. */
export function isReason(city: City, trip: TripState, act: TripAct, word: string, isWhole: boolean): boolean {
  const isOver = trip.status === 'cancelled' || trip.status === 'completed'
  const driverId = 'driverId' in act ? act.driverId : null
  switch (word) {
    case 'trip_taken':
      return trip.driverId !== null || trip.holders.length > 0 || (act.kind === 'bid' && isOver)
    case 'driver_busy':
      return (
        !isWhole || (driverId !== null && isOnAnother(city, act.tripId, driverId)) || hasItByBid(trip, act)
      )
    case 'offer_closed':
      return !isWhole || ('driverId' in act && hasClosed(city, trip, act))
    // Whether its deadline had passed is told by clocks, and not by the order of acts.
    case 'offer_expired':
      return act.kind === 'accept' || act.kind === 'reject' || act.kind === 'bid'
    case 'transition_not_allowed':
      return act.kind === 'accept' || act.kind === 'choose' ? isOver : !canMove(trip, act)
    case 'offer_accepted':
      return driverId !== null && trip.holders.includes(driverId)
    case 'no_change':
      return act.kind === 'cancel' ? isOver : trip.status !== 'pending' || trip.driverId !== null
    case 'trip_unknown':
    case 'trip_differs':
      return driverId !== null && trip.driverId !== driverId && act.kind !== 'accept' && !isOfBids(act)
    default:
      return isOfBids(act) && isBidReason(city, trip, act, word, isWhole)
  }
}

type BidAct = Extract<TripAct, { kind: 'bid' | 'unbid' | 'choose' }>

function isOfBids(act: TripAct): act is BidAct {
  return act.kind === 'bid' || act.kind === 'unbid' || act.kind === 'choose'
}

const OVER: readonly string[] = ['withdrawn', 'replaced']
/** Its driver, or another's, gave the ride back since. */
const OVER_OR_OUTLIVED: readonly string[] = [...OVER, 'chosen', 'lost']

function isBidReason(city: City, trip: TripState, act: BidAct, word: string, isWhole: boolean): boolean {
  const { bids = [] } = trip
  const isWaiting = trip.status === 'pending' && trip.driverId === null
  const last = bids.findLast((one) => one.driverId === act.driverId)
  switch (word) {
    case 'bid_elsewhere':
      return act.kind === 'bid' && (!isWhole || bidsElsewhere(city, act.tripId, act.driverId))
    case 'bid_closed':
      return (
        act.kind === 'choose' &&
        (!isWhole || (isWaiting ? OVER_OR_OUTLIVED : OVER).includes(stateOfBid(bids, act.bid) ?? ''))
      )
    case 'bid_expired':
      return act.kind === 'choose'
    case 'bid_unknown':
      return act.kind === 'choose' ? stateOfBid(bids, act.bid) === null : last === undefined
    case 'bid_accepted':
      return act.kind === 'unbid' && last?.state === 'chosen'
    default:
      return false
  }
}

/** He took back the bid that is chosen, and has the trip by another one. */
function hasItByBid(trip: TripState, act: TripAct): boolean {
  return act.kind === 'choose' && trip.driverId === act.driverId
}

/** He rejected it; or it was withdrawn, because he took another trip or this one had another driver or was over. */
function hasClosed(city: City, trip: TripState, act: TripAct & { readonly driverId: string }): boolean {
  const { driverId } = act
  if (trip.rejected.includes(offerOf(act)) || trip.holders.length > 0) return true
  if (trip.status === 'cancelled' || trip.status === 'completed') return true
  return Object.values(city).some(({ holders }) => holders.includes(driverId))
}

function canMove({ status }: TripState, { kind }: TripAct): boolean {
  switch (kind) {
    case 'cancel':
    case 'release':
      return status !== 'completed'
    case 'arrive':
      return status === 'accepted'
    case 'start':
      return status === 'accepted' || status === 'ongoing'
    case 'complete':
      return status === 'ongoing'
    default:
      return status === 'pending'
  }
}
