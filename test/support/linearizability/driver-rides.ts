import type { TripOperation } from './trip-acts.ts'

/** A time in which a driver certainly had this ride, whatever the order of what overlapped. */
export interface SureRide {
  readonly driverId: string
  readonly tripId: string
  readonly fromMs: number
  /** Without an end: nothing that was asked for could have taken it from him. */
  readonly untilMs: number
}

/** Pairs of rides that one driver certainly had at once. There may be none. */
export function overlappingRides(history: readonly TripOperation[]): [SureRide, SureRide][] {
  const rides = sureRides(history)
  return rides.flatMap((ride, index) =>
    rides
      .slice(index + 1)
      .filter((other) => overlap(ride, other))
      .map((other): [SureRide, SureRide] => [ride, other]),
  )
}

function overlap(ride: SureRide, other: SureRide): boolean {
  return (
    ride.driverId === other.driverId &&
    ride.tripId !== other.tripId &&
    ride.fromMs < other.untilMs &&
    other.fromMs < ride.untilMs
  )
}

/** From when he was told that it is his until somebody began what might end it. */
export function sureRides(history: readonly TripOperation[]): SureRide[] {
  return history.flatMap(({ act, heard, callMs }) => {
    if (act.kind !== 'accept' && act.kind !== 'give' && act.kind !== 'choose') return []
    if (heard?.answer.word !== 'ok') return []
    const { driverId, tripId } = act
    const ends = history.filter(
      (other) => mayEnd(other, tripId) && (other.heard?.returnMs ?? Infinity) >= callMs,
    )
    const untilMs = Math.min(Number.POSITIVE_INFINITY, ...ends.map((end) => end.callMs))
    return heard.returnMs < untilMs ? [{ driverId, tripId, fromMs: heard.returnMs, untilMs }] : []
  })
}

const ENDING = ['cancel', 'release', 'complete']

function mayEnd({ act, heard }: TripOperation, tripId: string): boolean {
  return act.tripId === tripId && ENDING.includes(act.kind) && (heard === null || heard.answer.word === 'ok')
}
