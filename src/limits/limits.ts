import { createHash } from 'node:crypto'
import { RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible'
import type { Redis } from '../../db/redis.ts'
import { assert } from '../base/assert.ts'
import { type Clock, systemClock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { Insurance } from './insurance.ts'
import type { LimitMetrics } from './metrics.ts'
import { LIMIT_CLASSES, type LimitClass, type LimitRules } from './rules.ts'
import { judge, type LimitVerdict, unlimited, type Window } from './window.ts'

/**
 * A Redis that did not answer is left alone for so long, and then asked by one request: while it is frozen, one request in
 * a second waits for it (the Redis client's own time-out) and all others are decided at once.
 */
const PAUSE_MS = 1_000

export interface LimitsOptions {
  /** A client of the role `limits`, which never waits long. */
  readonly redis: Redis
  readonly rules: LimitRules
  /** Keeps installations that share a Redis apart. */
  readonly installation: string
  readonly metrics: LimitMetrics
  readonly log: Log
  readonly clock?: Clock
}

/**
 * Rate limits per class and caller, shared by all processes through Redis. With Redis away or slow each process counts for
 * itself, by the same rules, so that together they let at most (processes × limit) pass. Every request is counted, refused
 * ones too, in windows of a fixed length that begin with a caller's first request.
 */
export class Limits {
  readonly #rules: LimitRules
  readonly #limiters: ReadonlyMap<LimitClass, RateLimiterRedis>
  readonly #insurance: Insurance
  readonly #metrics: LimitMetrics
  readonly #log: Log
  readonly #clock: Clock
  /** Until then Redis is not asked; null while it answers. */
  #pausedUntilMs: number | null = null

  constructor({ redis, rules, installation, metrics, log, clock = systemClock }: LimitsOptions) {
    this.#rules = rules
    this.#limiters = new Map(
      LIMIT_CLASSES.map((limitClass) => [limitClass, openLimiter(redis, rules, limitClass, installation)]),
    )
    this.#insurance = new Insurance(clock)
    this.#metrics = metrics
    this.#log = log
    this.#clock = clock
  }

  /**
   * Counts a request of this caller, and says whether it may pass. `caller` is any text that names him within the class (a
   * user's id, an address); outside this process only a hash of it is seen. A request of several points passes or is
   * refused as a whole, and takes a whole window where it would cost more than one has. Never throws and never waits for Redis longer than its client's time-out.
   */
  async take(limitClass: LimitClass, caller: string, points = 1): Promise<LimitVerdict> {
    assert(Number.isSafeInteger(points) && points > 0, 'a request takes one point or more')
    const rule = this.#rules[limitClass]
    if (rule === null) return unlimited(limitClass)
    const hash = hashOf(caller)
    // Otherwise it would be told to wait, and would never pass.
    const cost = Math.min(points, rule.points)
    const shared = await this.#askRedis(limitClass, hash, cost)
    const window = shared ?? this.#insurance.take(`${limitClass}:${hash}`, cost, rule)
    const verdict = judge(limitClass, rule, window)
    this.#metrics.decided(limitClass, verdict.allowed, shared === null ? 'insurance' : 'redis')
    return verdict
  }

  /** null: Redis does not answer, or is not to be asked now. */
  async #askRedis(limitClass: LimitClass, hash: string, points: number): Promise<Window | null> {
    if (this.#pausedUntilMs !== null) {
      const nowMs = this.#clock.monotonicMs()
      if (nowMs < this.#pausedUntilMs) return null
      // This request asks for all; those that come while it waits do not.
      this.#pausedUntilMs = nowMs + PAUSE_MS
    }
    try {
      const window = await consume(this.#limiters.get(limitClass), hash, points)
      if (this.#pausedUntilMs !== null) this.#log.info('rate limits are counted in Redis again')
      this.#pausedUntilMs = null
      return window
    } catch (error) {
      if (this.#pausedUntilMs === null)
        this.#log.warn(
          { err: error },
          'rate limits: Redis does not answer, so each process counts for itself',
        )
      this.#pausedUntilMs = this.#clock.monotonicMs() + PAUSE_MS
      return null
    }
  }
}

function openLimiter(
  redis: Redis,
  rules: LimitRules,
  limitClass: LimitClass,
  installation: string,
): RateLimiterRedis {
  const rule = rules[limitClass]
  return new RateLimiterRedis({
    storeClient: redis,
    // A client that is still connecting would keep the request waiting.
    rejectIfRedisNotReady: true,
    keyPrefix: `onceline-${installation}:limit:${limitClass}`,
    points: rule?.points ?? 0,
    duration: rule?.seconds ?? 1,
  })
}

/** The library throws its own result, which is no error, when the points do not suffice. */
async function consume(limiter: RateLimiterRedis | undefined, hash: string, points: number): Promise<Window> {
  assert(limiter !== undefined, 'every class has its limiter')
  const result = await limiter.consume(hash, points).catch((thrown: unknown) => {
    if (thrown instanceof RateLimiterRes) return thrown
    throw thrown
  })
  return { used: result.consumedPoints, leftMs: result.msBeforeNext }
}

/** 128 bits: what names a caller may be a secret or an address, and Redis is shared. */
function hashOf(caller: string): string {
  return createHash('sha256').update(caller).digest('base64url').slice(0, 22)
}
