import type { HttpBindings } from '@hono/node-server'
import { type Context, Hono, type MiddlewareHandler } from 'hono'
import { cors } from 'hono/cors'
import type { AddressRanges } from '../../base/addresses.ts'
import type { Log } from '../../base/log.ts'
import { requestIdOf } from '../../base/request-id.ts'
import type { Sampler } from '../../base/sampler.ts'
import { limitHeaders } from '../../limits/headers.ts'
import type { Limits } from '../../limits/limits.ts'
import { tooManyRequests } from '../../limits/middleware.ts'
import type { LimitVerdict } from '../../limits/window.ts'
import type { RealtimeMetrics, TicketOutcome } from '../metrics.ts'
import { bearerToken } from './handshake.ts'
import { clientNetwork } from './network.ts'
import type { OriginRule } from './origins.ts'
import { methodRefused, originRefused, ticketsUnavailable, tokenRefused, tokenRequired } from './refusals.ts'
import { issueTicket, type TicketDesk } from './tickets.ts'
import { type TokenRules, verifyToken } from './token.ts'

export interface TicketRoutesOptions {
  readonly tokens: TokenRules
  readonly desk: TicketDesk
  readonly allowsOrigin: OriginRule
  /** The proxies whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: AddressRanges
  readonly limits: Pick<Limits, 'take'>
  readonly metrics: RealtimeMetrics
  readonly log: Log
  /** Lets refusals into the log. */
  readonly refusals: Sampler
}

type TicketContext = Context<{ Bindings: HttpBindings }>

export const TICKETS_PATH = '/realtime/tickets'
/** Browsers keep what a preflight said; ten minutes are what most of them take at most. */
const PREFLIGHT_SECONDS = 600
/** What a page's script may read beside the body. */
const EXPOSED_HEADERS = ['Retry-After', 'RateLimit', 'RateLimit-Policy', 'WWW-Authenticate']

/**
 * `POST /realtime/tickets`, for apps: a token in `Authorization: Bearer …` becomes a ticket. First the page's origin, then
 * the limit of the client's address, then the token, then the user's own limit: who has no token costs no verification
 * beyond the limit, and who has one cannot fill Redis.
 */
export function ticketRoutes(options: TicketRoutesOptions): Hono<{ Bindings: HttpBindings }> {
  const routes = new Hono<{ Bindings: HttpBindings }>()
  routes.use(TICKETS_PATH, refuseForeignPages(options), crossOrigin(options.allowsOrigin))
  routes.post(TICKETS_PATH, (context) => take(context, options))
  routes.all(TICKETS_PATH, (context) => methodRefused(requestIdFor(context)))
  return routes
}

function refuseForeignPages(options: TicketRoutesOptions): MiddlewareHandler<{ Bindings: HttpBindings }> {
  return async (context, next) => {
    if (options.allowsOrigin(context.req.header('origin'))) return next()
    return refused(options, 'origin_refused', {}, originRefused(requestIdFor(context)))
  }
}

function crossOrigin(allowsOrigin: OriginRule): MiddlewareHandler {
  return cors({
    origin: (origin) => (allowsOrigin(origin) ? origin : null),
    allowMethods: ['POST'],
    allowHeaders: ['Authorization', 'Content-Type', 'X-Request-Id'],
    exposeHeaders: EXPOSED_HEADERS,
    maxAge: PREFLIGHT_SECONDS,
  })
}

async function take(context: TicketContext, options: TicketRoutesOptions): Promise<Response> {
  const { limits, metrics, tokens, desk } = options
  const requestId = requestIdFor(context)
  const { incoming } = context.env
  const network = clientNetwork(incoming.socket.remoteAddress, incoming.headers, options.trustedProxies)
  const byAddress = network === null ? null : await limits.take('auth', `ticket:${network}`)
  if (byAddress?.allowed === false)
    return refused(options, 'limited', { requestId, network }, tooManyRequests(byAddress, requestId))
  const standing = headersOf(byAddress)
  const token = bearerToken(context.req.header('authorization'))
  if (token === null)
    return refused(options, 'token_required', { requestId, network }, tokenRequired(requestId, standing))
  const verdict = verifyToken(token, tokens)
  metrics.tokenChecked(verdict)
  if (verdict.kind === 'refused') {
    const { reason } = verdict
    const answer = tokenRefused(reason, requestId, standing)
    return refused(options, 'token_refused', { requestId, network, reason }, answer)
  }
  const { user } = verdict
  const byUser = await limits.take('auth', `user:${user.userId}`)
  const { userId } = user
  if (!byUser.allowed)
    return refused(options, 'limited', { requestId, userId }, tooManyRequests(byUser, requestId))
  const issue = await issueTicket(desk, user, context.req.header('origin'))
  if (issue.kind === 'unavailable')
    return refused(options, 'unavailable', { requestId }, ticketsUnavailable(requestId))
  metrics.ticketAsked('issued')
  const body = { ticket: issue.ticket, expiresAt: new Date(issue.expiresAtMs).toISOString() }
  return context.json(body, 201, { 'cache-control': 'no-store', ...headersOf(tighter(byUser, byAddress)) })
}

function refused(
  { metrics, log, refusals }: TicketRoutesOptions,
  outcome: TicketOutcome,
  facts: Readonly<Record<string, unknown>>,
  answer: Response,
): Response {
  metrics.ticketAsked(outcome)
  const permission = refusals.allow()
  if (permission) log.info({ outcome, ...facts, ...permission }, 'a ticket was refused')
  return answer
}

/** Both windows are of one class, and a list that names it twice would say nothing: the one that ends first. */
function tighter(one: LimitVerdict, other: LimitVerdict | null): LimitVerdict {
  return other === null || one.remaining <= other.remaining ? one : other
}

function headersOf(verdict: LimitVerdict | null): Readonly<Record<string, string>> {
  return { ...(verdict === null ? null : limitHeaders(verdict)) }
}

function requestIdFor(context: TicketContext): string {
  return requestIdOf(context.req.header('x-request-id'))
}
