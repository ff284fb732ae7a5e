import { decided, hasLiveBid, type StoodBids, stateOfBid, withBid, withdrawn, withoutBid } from './bids.ts'
import { bidsElsewhere, type City, isOnAnother, type TripState, WAITING } from './city-state.ts'
import { isReason } from './reasons.ts'
import type { Specification } from './search.ts'
import { offerOf, type TripAct, type TripAnswer } from './trip-acts.ts'

export interface CityOptions {
  /**
   * True: these are all the trips that its drivers could have. False: there are others of which nothing is known, and a driver may be
   * busy with one of those at any time.
   */
  readonly isWhole: boolean
}

type Specified = Specification<City, TripAct, TripAnswer>

/** Trips and their drivers, one act after the other: one driver a trip, one ride a driver. */
export function citySpecification({ isWhole }: CityOptions): Specified {
  return {
    initial: {},
    apply: (city, act, answer) => {
      const trip = city[act.tripId] ?? WAITING
      const next =
        answer === null || answer.word === 'ok'
          ? succeeded(city, trip, act, answer)
          : // A refusal changes nothing; the question is whether there was a reason for it.
            isReason(city, trip, act, answer.word, isWhole)
            ? trip
            : null
      if (next === null) return null
      return next === trip ? city : afterTaking({ ...city, [act.tripId]: next }, act)
    },
    isReading: ({ kind }, { word }) => kind === 'read' || word !== 'ok',
    keyOf: (city) =>
      Object.entries(city)
        .map(([id, trip]) => `${id}=${keyOfTrip(trip)}`)
        .sort()
        .join(';'),
  }
}

function keyOfTrip({ status, driverId, holders, rejected, bids = [] }: TripState): string {
  const placed = bids.map(({ bid, state }) => `${bid}:${state}`)
  return [status, driverId, [...holders].sort(), [...rejected].sort(), placed].join('|')
}

/** Who takes a trip takes back what he bid for others. */
function afterTaking(city: City, act: TripAct): City {
  if (act.kind !== 'accept' && act.kind !== 'give' && act.kind !== 'choose') return city
  const others = Object.entries(city).filter(
    ([id, { bids = [] }]) => id !== act.tripId && hasLiveBid(bids, act.driverId),
  )
  if (others.length === 0) return city
  const freed = others.map(([id, trip]) => [id, { ...trip, bids: withdrawn(trip.bids ?? [], act.driverId) }])
  return { ...city, ...Object.fromEntries(freed) }
}

/** The trip after the act; null where it cannot succeed, or not with this answer. */
function succeeded(city: City, trip: TripState, act: TripAct, answer: TripAnswer | null): TripState | null {
  const next = effectOf(city, trip, act, answer)
  if (next === null || answer?.stands === undefined) return next
  const { status, driverId } = answer.stands
  return status === next.status && driverId === next.driverId ? next : null
}

function effectOf(city: City, trip: TripState, act: TripAct, answer: TripAnswer | null): TripState | null {
  const { status, driverId } = trip
  switch (act.kind) {
    case 'read':
      return trip
    case 'accept':
      if (driverId === act.driverId && status !== 'pending' && status !== 'cancelled') return trip
      return status === 'pending' && !trip.rejected.includes(offerOf(act)) ? taken(city, trip, act) : null
    case 'give':
      if (driverId === act.driverId && (status === 'accepted' || status === 'ongoing')) return trip
      return status === 'pending' ? taken(city, trip, act) : null
    case 'reject':
      if (driverId === act.driverId) return null
      return withBids(
        { ...trip, rejected: [...new Set([...trip.rejected, offerOf(act)])] },
        withdrawn(trip.bids ?? [], act.driverId),
      )
    case 'release':
      return released(trip, act.driverId, answer)
    case 'cancel':
      return status === 'completed' ? null : over(trip)
    case 'unserved':
      return status === 'pending' && driverId === null ? over(trip) : null
    case 'bid':
    case 'unbid':
    case 'choose':
      return bidEffect(city, trip, act)
    case 'name':
      return status === 'pending' && driverId === null ? { ...trip, driverId: act.driverId } : null
    case 'arrive':
      return driverId === act.driverId && status === 'accepted' ? trip : null
    case 'start':
      return driverId === act.driverId && (status === 'accepted' || status === 'ongoing')
        ? { ...trip, status: 'ongoing' }
        : null
    case 'complete':
      return driverId === act.driverId && (status === 'ongoing' || status === 'completed')
        ? { ...trip, status: 'completed' }
        : null
  }
}

function bidEffect(
  city: City,
  trip: TripState,
  act: Extract<TripAct, { kind: 'bid' | 'unbid' | 'choose' }>,
): TripState | null {
  const { bids = [], status } = trip
  const { driverId, tripId } = act
  if (act.kind === 'unbid') {
    const left = withoutBid(bids, driverId)
    if (left !== null) return withBids(trip, left)
    // The one that was chosen ended with the ride that he gave back.
    return status === 'pending' && trip.driverId === null && bids.some((bid) => bid.driverId === driverId)
      ? trip
      : null
  }
  if (act.kind === 'bid') {
    const isFree = !isOnAnother(city, tripId, driverId) && !bidsElsewhere(city, tripId, driverId)
    const isAsked = status === 'pending' && trip.driverId === null && !trip.rejected.includes(offerOf(act))
    return isFree && isAsked ? withBids(trip, withBid(bids, driverId, act.bid)) : null
  }
  const state = stateOfBid(bids, act.bid)
  if (state === 'chosen' && trip.driverId === driverId && status !== 'cancelled') return trip
  return state === 'live' && status === 'pending' ? taken(city, trip, act, act.bid) : null
}

function withBids(trip: TripState, bids: StoodBids): TripState {
  return bids === trip.bids || bids.length === 0 ? trip : { ...trip, bids }
}

function over(trip: TripState): TripState {
  return { ...trip, status: 'cancelled', ...lostBids(trip, null) }
}

function lostBids({ bids }: TripState, chosen: string | null): Pick<TripState, 'bids'> {
  return bids === undefined ? {} : { bids: decided(bids, chosen) }
}

/** One driver a trip, one ride a driver. */
function taken(
  city: City,
  trip: TripState,
  { tripId, driverId }: TripAct & { driverId: string },
  bid: string | null = null,
): TripState | null {
  if (trip.driverId !== null || isOnAnother(city, tripId, driverId)) return null
  const holders = [...new Set([...trip.holders, driverId])]
  return { ...trip, status: 'accepted', driverId, holders, ...lostBids(trip, bid) }
}

/** A ride that is under way is not given back, but ends, and so does one that waits for the driver whom Laravel has named. */
function released(trip: TripState, driverId: string, answer: TripAnswer | null): TripState | null {
  if (trip.driverId !== driverId) return null
  if (trip.status === 'cancelled') return trip
  if (trip.status === 'ongoing' || trip.status === 'pending' || answer?.stands?.status === 'cancelled')
    return trip.status === 'completed' ? null : over(trip)
  return trip.status === 'accepted' ? { ...trip, status: 'pending', driverId: null } : null
}
