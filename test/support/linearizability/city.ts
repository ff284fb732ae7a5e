import type { Specification } from './search.ts'
import type { TripAct, TripAnswer } from './trip-acts.ts'

/** A trip as a compare-and-set register: who drives it, and who may never again. */
export interface TripState {
  readonly status: 'pending' | 'accepted' | 'ongoing' | 'completed' | 'cancelled'
  readonly driverId: string | null
  /** Whoever had it once, and the one who has it. */
  readonly holders: readonly string[]
  readonly rejected: readonly string[]
}

export type City = Readonly<Record<string, TripState>>

export interface CityOptions {
  /**
   * True: these are all the trips that its drivers could have. False: there are others of which nothing is known, and a driver may be
   * busy with one of those at any time.
   */
  readonly isWhole: boolean
}

type Specified = Specification<City, TripAct, TripAnswer>

const WAITING: TripState = { status: 'pending', driverId: null, holders: [], rejected: [] }

/** Trips and their drivers, one act after the other: one driver a trip, one ride a driver. */
export function citySpecification({ isWhole }: CityOptions): Specified {
  return {
    initial: {},
    apply: (city, act, answer) => {
      const trip = city[act.tripId] ?? WAITING
      const next =
        answer === null || answer.word === 'ok'
          ? succeeded(city, trip, act, answer)
          : refused(city, trip, act, answer.word, isWhole)
      if (next === null) return null
      return next === trip ? city : { ...city, [act.tripId]: next }
    },
    isReading: ({ kind }, { word }) => kind === 'read' || word !== 'ok',
    keyOf: (city) =>
      Object.entries(city)
        .map(([id, trip]) => `${id}=${keyOfTrip(trip)}`)
        .sort()
        .join(';'),
  }
}

function keyOfTrip({ status, driverId, holders, rejected }: TripState): string {
  return [status, driverId, [...holders].sort(), [...rejected].sort()].join('|')
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
      return status === 'pending' && !trip.rejected.includes(act.driverId) ? taken(city, trip, act) : null
    case 'give':
      if (driverId === act.driverId && (status === 'accepted' || status === 'ongoing')) return trip
      return status === 'pending' ? taken(city, trip, act) : null
    case 'reject':
      if (driverId === act.driverId) return null
      return { ...trip, rejected: [...new Set([...trip.rejected, act.driverId])] }
    case 'release':
      return released(trip, act.driverId, answer)
    case 'cancel':
      return status === 'completed' ? null : { ...trip, status: 'cancelled' }
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

/** One driver a trip, one ride a driver. */
function taken(
  city: City,
  trip: TripState,
  { tripId, driverId }: TripAct & { driverId: string },
): TripState | null {
  if (trip.driverId !== null || isOnAnother(city, tripId, driverId)) return null
  return { ...trip, status: 'accepted', driverId, holders: [...new Set([...trip.holders, driverId])] }
}

/** A ride that is under way is not given back, but ends. */
function released(trip: TripState, driverId: string, answer: TripAnswer | null): TripState | null {
  if (trip.driverId !== driverId) return null
  if (trip.status === 'cancelled') return trip
  if (trip.status === 'ongoing' || answer?.stands?.status === 'cancelled')
    return trip.status === 'completed' ? null : { ...trip, status: 'cancelled' }
  return trip.status === 'accepted' ? { ...trip, status: 'pending', driverId: null } : null
}

/** A refusal changes nothing; the question is whether there was a reason for it. */
function refused(
  city: City,
  trip: TripState,
  act: TripAct,
  word: string,
  isWhole: boolean,
): TripState | null {
  return isReason(city, trip, act, word, isWhole) ? trip : null
}

function isReason(city: City, trip: TripState, act: TripAct, word: string, isWhole: boolean): boolean {
  const isOver = trip.status === 'cancelled' || trip.status === 'completed'
  const driverId = 'driverId' in act ? act.driverId : null
  switch (word) {
    case 'trip_taken':
      return trip.driverId !== null || trip.holders.length > 0
    case 'driver_busy':
      return !isWhole || (driverId !== null && isOnAnother(city, act.tripId, driverId))
    case 'offer_closed':
      return !isWhole || (driverId !== null && hasClosed(city, trip, driverId))
    // Whether its deadline had passed is told by clocks, and not by the order of acts.
    case 'offer_expired':
      return act.kind === 'accept' || act.kind === 'reject'
    case 'transition_not_allowed':
      return act.kind === 'accept' ? isOver : !canMove(trip, act)
    case 'offer_accepted':
      return driverId !== null && trip.holders.includes(driverId)
    case 'no_change':
      return act.kind === 'cancel' ? isOver : trip.status !== 'pending' || trip.driverId !== null
    case 'trip_unknown':
    case 'trip_differs':
      return driverId !== null && trip.driverId !== driverId && act.kind !== 'accept'
    default:
      return false
  }
}

/** He rejected it; or it was withdrawn, because he took another trip or this one had another driver or was over. */
function hasClosed(city: City, trip: TripState, driverId: string): boolean {
  if (trip.rejected.includes(driverId) || trip.holders.length > 0) return true
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

function isOnAnother(city: City, tripId: string, driverId: string): boolean {
  return Object.entries(city).some(
    ([id, trip]) =>
      id !== tripId &&
      trip.driverId === driverId &&
      (trip.status === 'accepted' || trip.status === 'ongoing'),
  )
}
