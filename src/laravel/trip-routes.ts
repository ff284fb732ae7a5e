import type { HttpBindings } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import { atOneMoment } from '../../db/moment.ts'
import type { Pool, PoolConnection } from '../../db/pools.ts'
import { READ_TIMEOUT_MS } from '../../db/transaction.ts'
import { idFromText, idToText, newId } from '../base/ids.ts'
import { problem } from '../base/problem.ts'
import { requestIdOf } from '../base/request-id.ts'
import { parseFields } from '../base/validation.ts'
import type { OnceResult } from '../idempotency/flights.ts'
import type { IdempotencyMetrics } from '../idempotency/metrics.ts'
import { idempotent, type KeyedRequest } from '../idempotency/middleware.ts'
import { createTripIn } from '../matching/trips/create.ts'
import { readTripHistory } from '../matching/trips/history.ts'
import { tripHistoryJson } from '../matching/trips/json.ts'
import type { TripMove } from '../matching/trips/move.ts'
import {
  acceptAndTell,
  giveUpAndTell,
  type MovedAndTold,
  type MoveTools,
  moveAndTell,
  type Performer,
  performOnce,
  tellOfCreation,
} from '../matching/trips/perform.ts'
import type { Place, TripOrder } from '../matching/trips/trip.ts'
import { laravel } from './keyed.ts'
import { invalid, refusal } from './refusals.ts'
import { acceptanceReply, creationReply, moveReply, tripUnknown } from './trip-answers.ts'
import {
  TRANSITIONS,
  TRIP_ACCEPT,
  TRIP_CANCEL,
  TRIP_ORDER,
  TRIP_TRANSITION,
  type TripOrderBody,
  type TripTransitionBody,
} from './trip-schemas.ts'

export interface TripRoutesOptions extends Performer {
  readonly pool: Pool
  readonly metrics: IdempotencyMetrics
}

type Env = { Bindings: HttpBindings }

/** Two places with their addresses take some three kilobytes. */
const MAX_BODY_BYTES = 16 * 1024

/** `/internal/trips`. Who may call it is decided before it. */
export function tripRoutes(options: TripRoutesOptions): Hono<Env> {
  const { metrics } = options
  const routes = new Hono<Env>()
  const post = (
    path: string,
    perform: (request: KeyedRequest, on: TripRoutesOptions) => Promise<OnceResult>,
  ) =>
    routes.post(
      path,
      idempotent({ required: true, scope: laravel, maxBodyBytes: MAX_BODY_BYTES, metrics }, (request) =>
        perform(request, options),
      ),
    )
  post('/internal/trips', create)
  post('/internal/trips/:id/cancel', cancel)
  post('/internal/trips/:id/transition', transition)
  post('/internal/trips/:id/accept', accept)
  routes.get('/internal/trips/:id', (context) => show(context, options))
  return routes
}

/** What needs no database is checked before it: a request that cannot be right takes no connection and no key. */
async function create(request: KeyedRequest, options: TripRoutesOptions): Promise<OnceResult> {
  const { json, requestId } = request
  const parsed = parseFields(TRIP_ORDER, json)
  if (!parsed.ok) return refusal(invalid(parsed.errors, requestId))
  const order = orderOf(parsed.value)
  return performOnce(options, request, async (connection) => {
    const creation = await createTripIn(connection, order)
    const told = await tellOfCreation(connection, creation, options.rules, () => [])
    return { reply: await creationReply(creation, requestId), told }
  })
}

function orderOf(body: TripOrderBody): TripOrder {
  const { tripId, estimatedFareMinor, currency, pickup, destination, ...rest } = body
  return {
    ...rest,
    tripId: tripId?.toLowerCase() ?? idToText(newId()),
    pickup: placeOf(pickup),
    destination: placeOf(destination),
    estimatedFare: { amountMinor: BigInt(estimatedFareMinor), currency },
    paymentMethod: rest.paymentMethod ?? null,
    policy: rest.policy ?? null,
  }
}

function placeOf({ address = null, ...degrees }: TripOrderBody['pickup']): Place {
  return { ...degrees, address }
}

async function cancel(request: KeyedRequest, options: TripRoutesOptions): Promise<OnceResult> {
  const parsed = parseFields(TRIP_CANCEL, request.json)
  if (!parsed.ok) return refusal(invalid(parsed.errors, request.requestId))
  const { by, reason = null, driverId = null, redispatch } = parsed.value
  const order = { by: { type: by, id: by === 'driver' ? driverId : null }, driverId, reason }
  return redispatch === true
    ? perform(request, options, (connection, tripId, tools) =>
        giveUpAndTell(connection, tripId, order, tools),
      )
    : move(request, options, { ...order, to: 'cancelled', finalFare: null })
}

async function transition(request: KeyedRequest, options: TripRoutesOptions): Promise<OnceResult> {
  const parsed = parseFields(TRIP_TRANSITION, request.json)
  if (!parsed.ok) return refusal(invalid(parsed.errors, request.requestId))
  const { transition: name, driverId = null, reason = null } = parsed.value
  return move(request, options, {
    to: TRANSITIONS[name],
    by: driverId === null ? { type: 'laravel', id: null } : { type: 'driver', id: driverId },
    driverId,
    reason,
    finalFare: finalFareOf(parsed.value),
  })
}

function finalFareOf({ finalFareMinor, currency }: TripTransitionBody): TripMove['finalFare'] {
  if (finalFareMinor == null || currency == null) return null
  return { amountMinor: BigInt(finalFareMinor), currency }
}

function move(request: KeyedRequest, options: TripRoutesOptions, order: TripMove): Promise<OnceResult> {
  return perform(request, options, (connection, tripId, tools) =>
    moveAndTell(connection, tripId, order, tools),
  )
}

/** Users hear of it; Laravel, who ordered it, is not called back. */
async function perform(
  request: KeyedRequest,
  options: TripRoutesOptions,
  work: (connection: PoolConnection, tripId: string, tools: MoveTools) => Promise<MovedAndTold>,
): Promise<OnceResult> {
  const { requestId, context } = request
  const tripId = tripIdOf(context)
  if (tripId === null) return refusal(tripUnknown(requestId))
  const tools = { rules: options.rules, callbacksOf: () => [] }
  return performOnce(options, request, async (connection) => {
    const { moved, told } = await work(connection, tripId, tools)
    return { reply: await moveReply(moved, requestId), told }
  })
}

async function accept(request: KeyedRequest, options: TripRoutesOptions): Promise<OnceResult> {
  const { json, requestId, context } = request
  const tripId = tripIdOf(context)
  if (tripId === null) return refusal(tripUnknown(requestId))
  const parsed = parseFields(TRIP_ACCEPT, json)
  if (!parsed.ok) return refusal(invalid(parsed.errors, requestId))
  const { driverId, offerId: offerText } = parsed.value
  const offerId = idFromText(offerText)
  if (offerId === null) return refusal(invalid([{ field: 'offerId', message: 'no uuid' }], requestId))
  return performOnce(options, request, async (connection) => {
    const acceptance = { tripId, driverId, offerId }
    const { callbacks } = options
    const { accepted, told } = await acceptAndTell(connection, acceptance, { callbacks, traceId: requestId })
    return { reply: await acceptanceReply(accepted, requestId), told }
  })
}

async function show(context: Context<Env>, { pool }: TripRoutesOptions): Promise<Response> {
  const requestId = requestIdOf(context.req.header('x-request-id'))
  const tripId = tripIdOf(context)
  const found =
    tripId === null
      ? null
      : await atOneMoment(pool, 'trip history', READ_TIMEOUT_MS, (connection) =>
          readTripHistory(connection, tripId),
        )
  return found === null ? problem(tripUnknown(requestId)) : context.json(tripHistoryJson(found))
}

/** As Laravel writes uuids: in lower case. Null for what is no uuid. */
function tripIdOf(context: Context<Env>): string | null {
  const id = idFromText(context.req.param('id') ?? '')
  return id === null ? null : idToText(id)
}
