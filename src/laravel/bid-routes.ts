import type { HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import { idFromText, idToText } from '../base/ids.ts'
import { parseFields } from '../base/validation.ts'
import type { OnceResult } from '../idempotency/flights.ts'
import type { IdempotencyMetrics } from '../idempotency/metrics.ts'
import { idempotent, type KeyedRequest } from '../idempotency/middleware.ts'
import { acceptBidAndTell } from '../matching/bids/perform.ts'
import { type Performer, performOnce } from '../matching/trips/perform.ts'
import { laravel } from './keyed.ts'
import { invalid, refusal } from './refusals.ts'
import { choiceReply, tripUnknown } from './trip-answers.ts'
import { BID_ACCEPT } from './trip-schemas.ts'

export interface BidRoutesOptions extends Performer {
  readonly metrics: IdempotencyMetrics
}

/** Two ids at most. */
const MAX_BODY_BYTES = 16 * 1024

/** `/internal/trips/:id/bids`: for apps whose riders choose over Laravel. Who may call it is decided before it. */
export function bidRoutes(options: BidRoutesOptions): Hono<{ Bindings: HttpBindings }> {
  const { metrics } = options
  const keyed = { required: true, scope: laravel, maxBodyBytes: MAX_BODY_BYTES, metrics } as const
  return new Hono<{ Bindings: HttpBindings }>().post(
    '/internal/trips/:id/bids/:bidId/accept',
    idempotent(keyed, (request) => accept(request, options)),
  )
}

async function accept(request: KeyedRequest, options: BidRoutesOptions): Promise<OnceResult> {
  const { json, requestId, context } = request
  const [tripId, bidId] = [
    idFromText(context.req.param('id') ?? ''),
    idFromText(context.req.param('bidId') ?? ''),
  ]
  if (tripId === null) return refusal(tripUnknown(requestId))
  if (bidId === null) return refusal(invalid([{ field: 'bidId', message: 'no uuid' }], requestId))
  const parsed = parseFields(BID_ACCEPT, json)
  if (!parsed.ok) return refusal(invalid(parsed.errors, requestId))
  const choice = { tripId: idToText(tripId), customerId: parsed.value.customerId ?? null, bidId }
  return performOnce(options, request, async (connection) => {
    const { callbacks } = options
    const { accepted, told } = await acceptBidAndTell(connection, choice, { callbacks, traceId: requestId })
    return { reply: await choiceReply(accepted, requestId), told }
  })
}
