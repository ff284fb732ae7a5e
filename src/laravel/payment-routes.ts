import type { HttpBindings } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import type { Pool, PoolConnection } from '../../db/pools.ts'
import { READ_TIMEOUT_MS, withConnection } from '../../db/transaction.ts'
import { assertNever } from '../base/assert.ts'
import { type Id, idFromText } from '../base/ids.ts'
import type { Log } from '../base/log.ts'
import { type Problem, problem } from '../base/problem.ts'
import { requestIdOf } from '../base/request-id.ts'
import { parseFields } from '../base/validation.ts'
import { jsonReply, type Reply, replyOf } from '../idempotency/answer.ts'
import type { OnceResult } from '../idempotency/flights.ts'
import type { IdempotencyMetrics } from '../idempotency/metrics.ts'
import { idempotent, type KeyedRequest } from '../idempotency/middleware.ts'
import type { Once } from '../idempotency/once.ts'
import { entryJson, paymentJson, transitionJson } from '../payments/json.ts'
import { balances, readEntries, readTransitions } from '../payments/payment-list.ts'
import { attachIn, type Registration, refKeysOf, registerIn } from '../payments/register.ts'
import { readPayment } from '../payments/store.ts'
import { eventJson } from '../webhooks/event-json.ts'
import { listEvents } from '../webhooks/event-list.ts'
import { DEFAULT_ACCOUNT } from '../webhooks/gateways/adapter.ts'
import { laravel } from './keyed.ts'
import { EXPECTED_PAYMENT, type ExpectedPaymentBody, PAYMENT_CHANGE } from './payment-schemas.ts'
import { invalid, refusal } from './refusals.ts'

export interface PaymentRoutesOptions {
  readonly pool: Pool
  readonly once: Once
  readonly metrics: IdempotencyMetrics
  /** Whether webhooks of such an account are taken; a payment of another one would wait for ever. */
  readonly knowsAccount: (gateway: string, account: string) => boolean
  /** Puts to work at once what waited for these references. Called after the commit. */
  readonly wake: (refKeys: readonly Buffer[]) => Promise<void>
  readonly log: Log
}

type Env = { Bindings: HttpBindings }

/** A payment is described in less than two kilobytes. */
const MAX_BODY_BYTES = 16 * 1024

/** More events than a payment has. */
const EVENT_LIMIT = 200

/** `/internal/payments`. Who may call it is decided before it. */
export function paymentRoutes(options: PaymentRoutesOptions): Hono<Env> {
  const { metrics } = options
  const routes = new Hono<Env>()
  routes.post(
    '/internal/payments',
    idempotent({ required: true, scope: laravel, maxBodyBytes: MAX_BODY_BYTES, metrics }, (request) =>
      register(request, options),
    ),
  )
  routes.patch(
    '/internal/payments/:id',
    idempotent({ required: false, scope: laravel, maxBodyBytes: MAX_BODY_BYTES, metrics }, (request) =>
      attach(request, options),
    ),
  )
  routes.get('/internal/payments/:id', (context) => show(context, options))
  return routes
}

/** What a registration answers, and whom it wakes when it is committed. */
interface Done {
  readonly reply: Reply
  readonly refKeys: readonly Buffer[]
}

async function perform(
  { once, wake, log }: PaymentRoutesOptions,
  request: KeyedRequest,
  work: (connection: PoolConnection) => Promise<Done>,
) {
  let refKeys: readonly Buffer[] = []
  const result = await once.run(request, async (connection) => {
    const done = await work(connection)
    refKeys = done.refKeys
    return done.reply
  })
  // The registration stands, whatever becomes of this: what is left asleep here or by a death, the sweeper wakes.
  if (result.kind === 'executed')
    await wake(refKeys).catch((err: unknown) =>
      log.warn({ err }, 'waking events failed; the sweeper does it'),
    )
  return result
}

/** What needs no database is checked before it: a request that cannot be right takes no connection and no key. */
async function register(request: KeyedRequest, options: PaymentRoutesOptions): Promise<OnceResult> {
  const { json, requestId } = request
  const parsed = parseFields(EXPECTED_PAYMENT, json)
  if (!parsed.ok) return refusal(invalid(parsed.errors, requestId))
  const { gateway, account } = parsed.value
  if (!options.knowsAccount(gateway, account)) {
    const field = account === DEFAULT_ACCOUNT ? 'gateway' : 'account'
    return refusal(invalid([{ field, message: 'no such gateway account is configured' }], requestId))
  }
  return perform(options, request, async (connection) =>
    answerOf(await registerIn(connection, expectedOf(parsed.value)), requestId),
  )
}

function expectedOf({ gatewayRef, amountMinor, tripId, customerId, driverId, ...rest }: ExpectedPaymentBody) {
  return {
    ...rest,
    gatewayRef: gatewayRef ?? null,
    amountMinor: BigInt(amountMinor),
    tripId: tripId ?? null,
    customerId: customerId ?? null,
    driverId: driverId ?? null,
  }
}

async function attach(request: KeyedRequest, options: PaymentRoutesOptions): Promise<OnceResult> {
  const { json, requestId, context } = request
  const id = idOf(context)
  if (id === null) return refusal(unknown(requestId))
  const parsed = parseFields(PAYMENT_CHANGE, json)
  if (!parsed.ok) return refusal(invalid(parsed.errors, requestId))
  return perform(options, request, async (connection) => {
    const registration = await attachIn(connection, id, parsed.value.gatewayRef)
    if (registration === null) return refuse(unknown(requestId))
    const done = await answerOf(registration, requestId)
    return { ...done, reply: done.reply.status === 201 ? { ...done.reply, status: 200 } : done.reply }
  })
}

async function answerOf(registration: Registration, requestId: string): Promise<Done> {
  switch (registration.kind) {
    case 'created':
    case 'existing': {
      const status = registration.kind === 'created' ? 201 : 200
      const payment = paymentJson(registration.payment)
      const reply = jsonReply(status, payment, { location: `/internal/payments/${payment.id}` })
      return { reply, refKeys: refKeysOf(registration) }
    }
    case 'different':
      return refuse({
        status: 409,
        code: 'payment_differs',
        detail: 'The payment stands with other content; nothing was changed.',
        requestId,
        fields: registration.fields,
      })
    case 'reference_taken':
      return refuse({
        status: 409,
        code: 'reference_taken',
        detail: "The gateway's reference belongs to another payment; nothing was changed.",
        requestId,
      })
    default:
      return assertNever(registration)
  }
}

async function show(context: Context<Env>, { pool }: PaymentRoutesOptions): Promise<Response> {
  const requestId = requestIdOf(context.req.header('x-request-id'))
  const id = idOf(context)
  const found = id === null ? null : await readHistory(pool, id)
  return found === null ? problem(unknown(requestId)) : context.json(found)
}

function readHistory(pool: Pool, id: Id) {
  return withConnection(pool, 'payment history', READ_TIMEOUT_MS, async (connection) => {
    const payment = await readPayment(connection, id)
    if (payment === null) return null
    const transitions = await readTransitions(connection, id)
    const entries = await readEntries(connection, id)
    const { events } = await listEvents(connection, { paymentId: id }, { limit: EVENT_LIMIT })
    return {
      payment: paymentJson(payment),
      transitions: transitions.map(transitionJson),
      ledger: entries.map(entryJson),
      balanced: balances(entries),
      events: events.toReversed().map(eventJson),
    }
  })
}

function idOf(context: Context<Env>): Id | null {
  return idFromText(context.req.param('id') ?? '')
}

async function refuse(occurrence: Problem): Promise<Done> {
  return { reply: await replyOf(problem(occurrence)), refKeys: [] }
}

function unknown(requestId: string): Problem {
  return { status: 404, code: 'payment_unknown', detail: 'There is no such payment.', requestId }
}
