import type { Context, Env, MiddlewareHandler } from 'hono'
import { problem } from '../base/problem.ts'
import { requestIdOf } from '../base/request-id.ts'
import { limitHeaders, secondsUp } from './headers.ts'
import type { Limits } from './limits.ts'
import type { LimitClass } from './rules.ts'
import type { LimitVerdict } from './window.ts'

export interface LimitedOptions<E extends Env> {
  readonly limits: Pick<Limits, 'take'>
  readonly class: LimitClass
  /** Who is asking; see Limits.take(). */
  readonly caller: (context: Context<E>) => string
}

/**
 * Lets a caller's requests through as far as the class's limit goes, and answers the others with 429. Every answer tells
 * how the caller stands (`RateLimit-Policy`, `RateLimit`). Not for webhooks: a gateway that is refused repeats for days.
 */
export function limited<E extends Env>(options: LimitedOptions<E>): MiddlewareHandler<E> {
  const { limits, class: limitClass, caller } = options
  return async (context, next) => {
    const verdict = await limits.take(limitClass, caller(context))
    if (!verdict.allowed) return tooManyRequests(verdict, requestIdOf(context.req.header('x-request-id')))
    await next()
    // Appended: a route may have a limit of its own beside its group's, and both fields are lists. On the answer that is
    // there: context.header() would make it anew, and its body a stream.
    for (const [name, value] of Object.entries(limitHeaders(verdict) ?? {}))
      context.res.headers.append(name, value)
    return undefined
  }
}

/** 429 `rate_limited`, with the time to wait and the policy that it broke (`violated-policies`, as the draft names it). */
export function tooManyRequests(verdict: LimitVerdict, requestId: string): Response {
  const waitSeconds = secondsUp(verdict.retryAfterMs)
  return problem({
    status: 429,
    code: 'rate_limited',
    detail: `At most ${verdict.limit} in ${verdict.windowSeconds} seconds; try again in ${waitSeconds}.`,
    requestId,
    'violated-policies': [verdict.class],
    headers: { ...limitHeaders(verdict), 'retry-after': String(waitSeconds) },
  })
}
