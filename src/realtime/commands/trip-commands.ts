import type { PoolConnection } from '../../../db/pools.ts'
import { idFromText } from '../../base/ids.ts'
import type { DispatchRules } from '../../matching/dispatch/settings.ts'
import { feeJson, rideJson } from '../../matching/trips/json.ts'
import type { TripMove } from '../../matching/trips/move.ts'
import { isRightOtp, readOtp } from '../../matching/trips/otp.ts'
import { acceptAndTell, giveUpAndTell, moveAndTell } from '../../matching/trips/perform.ts'
import {
  answerOfAcceptance,
  answerOfMove,
  TRIP_UNKNOWN,
  type TripAnswer,
} from '../../matching/trips/refusals.ts'
import type { Trip } from '../../matching/trips/trip.ts'
import { moveCallbacksOf, type TripChange } from '../../matching/trips/trip-announcement.ts'
import { lockTrip } from '../../matching/trips/trip-reader.ts'
import {
  type Done,
  type Handlers,
  nothing,
  type OnceHandler,
  type Outcome,
  type OwnPush,
  ok,
  refusedForGood,
  refusedForNow,
  type Sender,
} from './command.ts'

export interface TripCommandsOptions {
  /** Write messages for Laravel; false where no LARAVEL_API_URL is configured. */
  readonly callbacks: boolean
  /** How another driver is looked for where one gives his ride up, and what a late cancellation costs. */
  readonly rules: DispatchRules
}

/** A code has four digits or so, and 600 tries a minute would find it in a quarter of an hour; ten a minute are enough to mistype. */
const OTP_POINTS = 60

/** What riders and drivers do to their own trips. Of another's they learn not even that there is one. */
export function tripCommands(options: TripCommandsOptions): Handlers {
  return {
    'driver:accept:ride': accepting(options),
    'driver:arrived': {
      kind: 'once',
      limit: 'command',
      handle: (connection, sender, { rideId }) =>
        moveOwn(connection, sender, { rideId, to: 'arrived' }, options),
      pushesOf: ({ ok: arrived }, { rideId }) =>
        arrived ? [{ event: 'trip:arrival:confirmed', data: { rideId } }] : [],
    },
    'ride:start': {
      kind: 'once',
      limit: 'command',
      points: OTP_POINTS,
      handle: (connection, sender, { rideId, otp = null }) =>
        moveOwn(connection, sender, { rideId, to: 'ongoing', otp }, options),
    },
    // What the ride costs is Laravel's to say, and it is no driver's.
    'ride:complete': {
      kind: 'once',
      limit: 'command',
      handle: (connection, sender, { rideId }) =>
        moveOwn(connection, sender, { rideId, to: 'completed' }, options),
    },
    'ride:cancel': {
      kind: 'once',
      limit: 'command',
      handle: (connection, sender, { rideId, reason = null }) =>
        moveOwn(connection, sender, { rideId, to: 'cancelled', reason }, options),
    },
  }
}

function accepting({ callbacks }: TripCommandsOptions): OnceHandler<'driver:accept:ride'> {
  return {
    kind: 'once',
    limit: 'command',
    handle: async (connection, { user, traceId }, { rideId, offerId: offerText }) => {
      const offerId = idFromText(offerText)
      if (offerId === null) return nothing(refusedForNow(OFFER_UNKNOWN.code, OFFER_UNKNOWN.detail))
      const acceptance = { tripId: rideId, driverId: user.userId, offerId }
      const { accepted, told } = await acceptAndTell(connection, acceptance, { callbacks, traceId })
      // Whether there is such a trip is nobody's business who was not asked.
      const answer = accepted.kind === 'unknown' ? OFFER_UNKNOWN : answerOfAcceptance(accepted)
      return { outcome: outcomeOf(answer), told }
    },
    pushesOf: (outcome, { rideId, offerId }) => acceptancePushes(outcome, { rideId, offerId }),
  }
}

const OFFER_UNKNOWN = answerOfAcceptance({ kind: 'offer_unknown' }) as Exclude<TripAnswer, { kind: 'trip' }>

/** Nothing where it has to be said again: the ride may be his already, and his app would take the offer off the screen. */
function acceptancePushes(outcome: Outcome, offer: { rideId: string; offerId: string }): OwnPush[] {
  if (outcome.ok) return [{ event: 'ride:accept:success', data: offer }]
  const { code, message, retry } = outcome.error
  return retry ? [] : [{ event: 'ride:accept:failed', data: { ...offer, code, message } }]
}

interface OwnMove {
  readonly rideId: string
  readonly to: TripMove['to']
  readonly reason?: string | null
  /** What the driver says is the rider's code; left out where none is asked for. */
  readonly otp?: string | null
}

/** Moves a trip of the sender's. The trip is locked first, so that whose it is cannot change in between. */
async function moveOwn(
  connection: PoolConnection,
  { user, traceId }: Sender,
  { rideId, to, reason = null, otp }: OwnMove,
  { callbacks, rules }: TripCommandsOptions,
): Promise<Done> {
  const trip = await lockTrip(connection, rideId)
  const { userId, userType: type } = user
  if (trip === null || type === 'admin' || ownerOf(trip, type) !== userId)
    return nothing(outcomeOf(TRIP_UNKNOWN))
  if (otp !== undefined && !isRightOtp(otp, await readOtp(connection, trip.id)))
    return nothing(refusedForNow('otp_wrong', "This is not the rider's code."))
  const order = { to, by: { type, id: userId }, driverId: null, reason, finalFare: null }
  const tools = {
    rules,
    callbacksOf: (change: TripChange) => (callbacks ? moveCallbacksOf(change, traceId) : []),
  }
  // A driver who gives his ride up is not the end of it.
  const perform = type === 'driver' && to === 'cancelled' ? giveUpAndTell : moveAndTell
  const { moved, told } = await perform(connection, trip.id, order, tools)
  return { outcome: outcomeOf(answerOfMove(moved)), told }
}

function ownerOf({ customerId, driverId }: Trip, type: 'customer' | 'driver'): string | null {
  return type === 'customer' ? customerId : driverId
}

/** What a trip's answer comes to over a connection. */
export function outcomeOf(answer: TripAnswer): Outcome {
  if (answer.kind === 'trip') return ok({ ...rideJson(answer.trip), ...feeJson(answer.trip) })
  const { code, detail } = answer
  return code === TRIP_UNKNOWN.code ? refusedForNow(code, detail) : refusedForGood(code, detail)
}
