import { assertNever } from '../base/assert.ts'
import { type Problem, problem } from '../base/problem.ts'
import { jsonReply, type Reply, replyOf } from '../idempotency/answer.ts'
import type { BidAccepted } from '../matching/bids/accept-bid.ts'
import { answerOfChoice } from '../matching/bids/refusals.ts'
import type { TripAccepted } from '../matching/trips/accept.ts'
import type { TripCreation } from '../matching/trips/create.ts'
import { tripJson } from '../matching/trips/json.ts'
import type { TripMoved } from '../matching/trips/move.ts'
import {
  answerOfAcceptance,
  answerOfMove,
  TRIP_UNKNOWN,
  type TripAnswer,
  tripDiffers,
} from '../matching/trips/refusals.ts'

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
      return answerReply(tripDiffers(creation.fields), requestId)
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
  return answerReply(answerOfMove(moved), requestId)
}

/** What an acceptance answers. */
export function acceptanceReply(accepted: TripAccepted, requestId: string): Promise<Reply> {
  return answerReply(answerOfAcceptance(accepted), requestId)
}

/** What a rider's choice answers. */
export function choiceReply(accepted: BidAccepted, requestId: string): Promise<Reply> {
  return answerReply(answerOfChoice(accepted), requestId)
}

function answerReply(answer: TripAnswer, requestId: string): Promise<Reply> {
  if (answer.kind === 'trip') return Promise.resolve(jsonReply(200, tripJson(answer.trip)))
  const { code, detail, more } = answer
  return code === TRIP_UNKNOWN.code ? reply(tripUnknown(requestId)) : conflict(code, detail, requestId, more)
}

/** Nothing was kept: it may come to be. */
export function tripUnknown(requestId: string): Problem {
  const { code, detail } = TRIP_UNKNOWN
  return { status: 404, code, detail, requestId }
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
