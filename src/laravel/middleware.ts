import type { HttpBindings } from '@hono/node-server'
import type { Context, MiddlewareHandler } from 'hono'
import { networkOf } from '../base/addresses.ts'
import type { Log } from '../base/log.ts'
import { problem } from '../base/problem.ts'
import { requestIdOf } from '../base/request-id.ts'
import type { Sampler } from '../base/sampler.ts'
import type { Limits } from '../limits/limits.ts'
import { limited, tooManyRequests } from '../limits/middleware.ts'
import { type AccessRefusal, type AccessRules, judgeAccess } from './access.ts'
import type { AccessMetrics } from './metrics.ts'

/** What a route behind internalAccess() finds in its context. */
export interface InternalEnv {
  Bindings: HttpBindings
  Variables: {
    /** Names the caller for limits: the key's place, never the key. No scope of idempotency keys: a rotation changes it. */
    apiCaller: string
  }
}

export interface InternalAccessOptions {
  readonly rules: AccessRules
  readonly limits: Pick<Limits, 'take'>
  readonly metrics: AccessMetrics
  readonly log: Log
  /** Lets refusals into the log. */
  readonly refusals: Sampler
}

/**
 * The door of the internal API, to be put before every route of it:
 * `routes.use('/internal/*', ...internalAccess(pieces))`. First the key and the address, then the caller's limit
 * (`internal-api`). Refusals are problems: 401 without a key, 403 with one, whether the key or the address was wrong; 429
 * for addresses that fail too often (`auth`). The right key from the right address is never refused for others' failures:
 * keys cannot be guessed, and whoever shares a proxy with Laravel could otherwise shut it out.
 */
export function internalAccess(options: InternalAccessOptions): readonly MiddlewareHandler<InternalEnv>[] {
  return [
    authenticate(options),
    limited<InternalEnv>({
      limits: options.limits,
      class: 'internal-api',
      caller: (context) => context.get('apiCaller'),
    }),
  ]
}

function authenticate(options: InternalAccessOptions): MiddlewareHandler<InternalEnv> {
  const { rules, metrics } = options
  return async (context, next) => {
    const verdict = judgeAccess(
      {
        peer: context.env.incoming.socket.remoteAddress,
        forwardedFor: context.req.header('x-forwarded-for'),
        key: context.req.header('x-api-key'),
      },
      rules,
    )
    if (verdict.kind !== 'allowed') return refuse(context, options, verdict.kind, verdict.address)
    metrics.access('allowed')
    metrics.keyMatched(verdict.keyIndex)
    context.set('apiCaller', `key-${verdict.keyIndex + 1}`)
    await next()
    return undefined
  }
}

async function refuse(
  context: Context<InternalEnv>,
  { limits, metrics, log, refusals }: InternalAccessOptions,
  reason: AccessRefusal,
  address: string | null,
): Promise<Response> {
  const requestId = requestIdOf(context.req.header('x-request-id'))
  metrics.access(reason)
  const permission = refusals.allow()
  if (permission)
    log.warn({ reason, address, requestId, ...permission }, 'a call of the internal API was refused')
  const failures = await limits.take('auth', `failed:${address === null ? 'unknown' : networkOf(address)}`)
  if (!failures.allowed) return tooManyRequests(failures, requestId)
  return reason === 'key_missing' ? keyMissing(requestId) : accessRefused(requestId)
}

function keyMissing(requestId: string): Response {
  return problem({
    status: 401,
    code: 'api_key_required',
    detail: 'Send the internal API key as X-API-Key.',
    requestId,
    headers: { 'www-authenticate': 'ApiKey realm="onceline"' },
  })
}

/** The same words for a wrong key and a wrong address, so that a stolen key cannot be told from a wrong one elsewhere. */
function accessRefused(requestId: string): Response {
  return problem({
    status: 403,
    code: 'access_refused',
    detail: 'This key may not be used, or not from this address.',
    requestId,
  })
}
