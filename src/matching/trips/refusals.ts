import { assertNever } from '../../base/assert.ts'
import type { TripAccepted } from './accept.ts'
import type { TripMoved } from './move.ts'
import type { Trip } from './trip.ts'

/**
 * Why a trip was not moved, in the same words at every door: `code` for programs, `detail` for people, `more` beside them. A
 * refusal is settled, which means that asking again is answered alike, but for `trip_unknown`: the trip may come to be.
 */
export interface TripRefusal {
  readonly kind: 'refused'
  readonly code: string
  readonly detail: string
  readonly more: Readonly<Record<string, unknown>>
}

export type TripAnswer = { readonly kind: 'trip'; readonly trip: Trip } | TripRefusal

const REFUSED = {
  taken: { code: 'trip_taken', detail: 'The trip is not free any more.' },
  driver_busy: { code: 'driver_busy', detail: 'The driver is on another ride.' },
  offer_unknown: { code: 'offer_unknown', detail: 'This trip was not offered to this driver by this offer.' },
  offer_expired: { code: 'offer_expired', detail: "The offer's deadline has passed." },
  offer_closed: { code: 'offer_closed', detail: 'The offer was rejected or withdrawn.' },
  bid_required: { code: 'bid_required', detail: 'Drivers bid for this trip, and its rider chooses.' },
} as const

export const TRIP_UNKNOWN = refused('trip_unknown', 'There is no such trip.')

/** What a move comes to. Pure. */
export function answerOfMove(moved: TripMoved): TripAnswer {
  switch (moved.kind) {
    case 'moved':
    case 'unchanged':
      return { kind: 'trip', trip: moved.trip }
    case 'not_allowed':
      return notAllowed(moved)
    case 'different':
      return tripDiffers(moved.fields)
    case 'driver_busy':
      return refused(REFUSED.driver_busy.code, REFUSED.driver_busy.detail)
    case 'unknown':
      return TRIP_UNKNOWN
    default:
      return assertNever(moved)
  }
}

/** What an acceptance comes to. Pure. */
export function answerOfAcceptance(accepted: TripAccepted): TripAnswer {
  switch (accepted.kind) {
    case 'accepted':
    case 'already':
      return { kind: 'trip', trip: accepted.trip }
    case 'not_allowed':
      return notAllowed(accepted)
    case 'unknown':
      return TRIP_UNKNOWN
    case 'taken':
    case 'driver_busy':
    case 'offer_unknown':
    case 'offer_expired':
    case 'offer_closed':
    case 'bid_required':
      return refused(REFUSED[accepted.kind].code, REFUSED[accepted.kind].detail)
    default:
      return assertNever(accepted)
  }
}

/** A trip that is said to be otherwise than it stands. */
export function tripDiffers(fields: readonly string[]): TripRefusal {
  return refused('trip_differs', 'The trip stands with other content; nothing was changed.', { fields })
}

function notAllowed({ from, to }: { readonly from: string; readonly to: string }): TripRefusal {
  return refused('transition_not_allowed', `A trip that is ${from} cannot become ${to}.`, { from, to })
}

/** A refusal in these words. */
export function refused(code: string, detail: string, more: TripRefusal['more'] = {}): TripRefusal {
  return { kind: 'refused', code, detail, more }
}
