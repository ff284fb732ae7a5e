/*
 * The trip's state machine: pure.
 *
 *      ┌──────released──────────┐
 *      ▼            │           │
 *   pending ──▶ accepted ──▶ arrived ──▶ ongoing ──▶ completed
 *                   └────────────────────▲  └──▶ returning ──▶ returned      a parcel that was not taken
 *
 *   pending, accepted, arrived, ongoing, returning ──▶ cancelled
 *
 *   completed, cancelled and returned have no way out
 *
 * A trip is released where its driver gives it up before the start, or it is taken from him: it has no driver, and another is looked for.
 *
 * Laravel's word for a state is its current_status. `arrived` has no word of its own there: the trip stays `accepted`, and
 * only the history knows. Laravel may move a trip by itself, anywhere, and tell of it before, later or never; what it did is
 * observed and not judged: the history takes one step to where the trip stands, and goes on from there.
 */

/** Laravel's words: what trip_requests.current_status may hold. */
export const TRIP_STATUSES = [
  'pending',
  'accepted',
  'ongoing',
  'completed',
  'cancelled',
  'returning',
  'returned',
] as const
export type TripStatus = (typeof TRIP_STATUSES)[number]

export const TRIP_STATES = [...TRIP_STATUSES, 'arrived'] as const
export type TripState = (typeof TRIP_STATES)[number]

const FORWARD: Readonly<Record<TripState, readonly TripState[]>> = {
  pending: ['accepted', 'cancelled'],
  accepted: ['arrived', 'ongoing', 'pending', 'cancelled'],
  arrived: ['ongoing', 'pending', 'cancelled'],
  ongoing: ['completed', 'returning', 'cancelled'],
  returning: ['returned', 'cancelled'],
  completed: [],
  cancelled: [],
  returned: [],
}

/** One row of a trip's history. `from` is null where nothing was heard of the trip before. */
export interface TripStep {
  readonly from: TripState | null
  readonly to: TripState
  /** True: the trip stood there already, by Laravel's hand. */
  readonly observed: boolean
}

/**
 * move: the history grows by these steps, and the trip comes to (or stands already at) the last one's state. unchanged: it
 * stands there, and the history says so. refuse: there is no way from `from`.
 */
export type MoveDecision =
  | { readonly kind: 'move'; readonly steps: readonly TripStep[] }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'refuse'; readonly from: TripState }

/** Laravel's word for a state. */
export function statusOf(state: TripState): TripStatus {
  return state === 'arrived' ? 'accepted' : state
}

/** Reads a current_status; null for a word that is not in the contract. */
export function tripStatus(text: string): TripStatus | null {
  return TRIP_STATUSES.find((status) => status === text) ?? null
}

/**
 * The state of a trip: what its history says last, as far as that agrees with Laravel's word. `recorded` is null without a
 * history.
 */
export function stateOf(recorded: TripState | null, status: TripStatus): TripState {
  return recorded !== null && statusOf(recorded) === status ? recorded : status
}

/**
 * Decides a move to `to` of a trip whose history ends with `recorded` and whose current_status is `status`. Where the two
 * disagree, Laravel moved it: that is a step of its own, and where it leads to `to` it is the whole move.
 */
export function decideMove(recorded: TripState | null, status: TripStatus, to: TripState): MoveDecision {
  const from = stateOf(recorded, status)
  const seen: TripStep[] = from === recorded ? [] : [{ from: recorded, to: from, observed: true }]
  if (from === to) return seen.length === 0 ? { kind: 'unchanged' } : { kind: 'move', steps: seen }
  if (!FORWARD[from].includes(to)) return { kind: 'refuse', from }
  return { kind: 'move', steps: [...seen, { from, to, observed: false }] }
}
