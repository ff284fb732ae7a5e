import { assertNever } from '../base/assert.ts'
import { type Problem, problem } from '../base/problem.ts'
import { jsonReply, type Reply, replyOf } from '../idempotency/answer.ts'
import type { TripAccepted } from '../matching/accept.ts'
import type { TripCreation } from '../matching/create.ts'
import { tripJson } from '../matching/json.ts'
import type { TripMoved } from '../matching/move.ts'
import type { Trip } from '../matching/trip.ts'

/** What a creation answers. */
export function creationReply(creation: TripCreation, requestId: string): Promise<Reply> {
  switch (creation.kind) {
    case 'created':
    case 'existing': {
      const { kind, trip } = creation
      const headers = { location: `/internal/trips/${trip.id}` }
      return Promise.resolve(jsonReply(kind === 'created' ? 201 : 200, tripJson(trip), headers))
    }
    case 'different':
      return differs(creation.fields, requestId)
    case 'not_pending':
      return conflict('trip_not_pending', 'Laravel has this trip, and it no longer waits.', requestId, {
        tripStatus: creation.trip.status,
      })
    case 'unknown':
      return reply(
        creation.why === 'deleted'
          ? tripUnknown(requestId)
          : { ...tripUnknown(requestId), detail: 'Laravel stores its trip first; then it is told of here.' },
      )
    default:
      return assertNever(creation)
  }
}

/** What a move answers. */
export function moveReply(moved: TripMoved, requestId: string): Promise<Reply> {
  switch (moved.kind) {
    case 'moved':
    case 'unchanged':
      return tripReply(moved.trip)
    case 'not_allowed':
      return notAllowed(moved, requestId)
    case 'different':
      return differs(moved.fields, requestId)
    case 'driver_busy':
      return conflict('driver_busy', REFUSED.driver_busy.detail, requestId)
    case 'unknown':
      return reply(tripUnknown(requestId))
    default:
      return assertNever(moved)
  }
}

/** What an acceptance answers. */
export function acceptanceReply(accepted: TripAccepted, requestId: string): Promise<Reply> {
  switch (accepted.kind) {
    case 'accepted':
    case 'already':
      return tripReply(accepted.trip)
    case 'not_allowed':
      return notAllowed(accepted, requestId)
    case 'unknown':
      return reply(tripUnknown(requestId))
    case 'taken':
    case 'driver_busy':
    case 'offer_unknown':
    case 'offer_expired':
    case 'offer_closed':
      return conflict(REFUSED[accepted.kind].code, REFUSED[accepted.kind].detail, requestId)
    default:
      return assertNever(accepted)
  }
}

const REFUSED = {
  taken: { code: 'trip_taken', detail: 'The trip is not free any more.' },
  driver_busy: { code: 'driver_busy', detail: 'The driver is on another ride.' },
  offer_unknown: { code: 'offer_unknown', detail: 'This trip was not offered to this driver by this offer.' },
  offer_expired: { code: 'offer_expired', detail: "The offer's deadline has passed." },
  offer_closed: { code: 'offer_closed', detail: 'The offer was rejected or withdrawn.' },
} as const

/** Nothing was kept: it may come to be. */
export function tripUnknown(requestId: string): Problem {
  return { status: 404, code: 'trip_unknown', detail: 'There is no such trip.', requestId }
}

/** A trip that is said to be otherwise than it stands. */
function differs(fields: readonly string[], requestId: string): Promise<Reply> {
  const detail = 'The trip stands with other content; nothing was changed.'
  return conflict('trip_differs', detail, requestId, { fields })
}

function notAllowed({ from, to }: { from: string; to: string }, requestId: string): Promise<Reply> {
  const detail = `A trip that is ${from} cannot become ${to}.`
  return conflict('transition_not_allowed', detail, requestId, { from, to })
}

function conflict(
  code: string,
  detail: string,
  requestId: string,
  more: Readonly<Record<string, unknown>> = {},
): Promise<Reply> {
  return reply({ ...more, status: 409, code, detail, requestId })
}

function reply(occurrence: Problem): Promise<Reply> {
  return replyOf(problem(occurrence))
}

function tripReply(trip: Trip): Promise<Reply> {
  return Promise.resolve(jsonReply(200, tripJson(trip)))
}
