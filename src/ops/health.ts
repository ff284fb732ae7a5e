import { durabilityDoubts } from '../../db/durability.ts'
import type { Pool } from '../../db/pools.ts'
import { type Redis, redisDoubts } from '../../db/redis.ts'
import { withConnection } from '../../db/transaction.ts'

/** ok: fine. degraded: away, and Onceline does without. refused: Onceline must not be sent work. */
export type DependencyStatus = 'ok' | 'degraded' | 'refused'

export interface DependencyHealth {
  readonly status: DependencyStatus
  readonly reasons: readonly string[]
  readonly latencyMs: number
}

export interface Readiness {
  readonly ready: boolean
  readonly dependencies: Readonly<Record<'mysql' | 'redis' | 'process', DependencyHealth>>
}

const CHECK_TIMEOUT_MS = 1_500

export interface ReadinessSources {
  readonly pool: Pool
  readonly redis: Redis
  /** True from the first signal to stop. */
  readonly isDraining: () => boolean
}

/**
 * Looks at each dependency. MySQL away or not durable: not ready, since nothing can be acknowledged. Redis that may evict:
 * not ready, since two workers may then run one job. Redis away: ready and degraded, since webhooks are stored and
 * processed all the same (docs/decisions/0004-ready-without-redis.md). Draining: not ready.
 */
export async function readiness({ pool, redis, isDraining }: ReadinessSources): Promise<Readiness> {
  const [mysql, redisHealth] = await Promise.all([checkMysql(pool), checkRedis(redis)])
  const own: DependencyHealth = isDraining()
    ? { status: 'refused', reasons: ['shutting down'], latencyMs: 0 }
    : { status: 'ok', reasons: [], latencyMs: 0 }
  const dependencies = { mysql, redis: redisHealth, process: own }
  const ready = Object.values(dependencies).every(({ status }) => status !== 'refused')
  return { ready, dependencies }
}

async function checkMysql(pool: Pool): Promise<DependencyHealth> {
  const startedMs = performance.now()
  try {
    const reasons = await withConnection(pool, 'readiness', CHECK_TIMEOUT_MS, (connection) =>
      durabilityDoubts(connection),
    )
    return health(reasons.length === 0 ? 'ok' : 'refused', reasons, startedMs)
  } catch (error) {
    return health('refused', [`MySQL does not answer: ${nameOf(error)}`], startedMs)
  }
}

async function checkRedis(redis: Redis): Promise<DependencyHealth> {
  const startedMs = performance.now()
  try {
    const reasons = await redisDoubts(redis)
    return health(reasons.length === 0 ? 'ok' : 'refused', reasons, startedMs)
  } catch (error) {
    return health(
      'degraded',
      [`Redis does not answer: ${nameOf(error)}; payments are processed without it`],
      startedMs,
    )
  }
}

function health(status: DependencyStatus, reasons: readonly string[], startedMs: number): DependencyHealth {
  return { status, reasons, latencyMs: Math.round(performance.now() - startedMs) }
}

/** The error's code where there is one: messages may hold addresses and user names. */
function nameOf(error: unknown): string {
  if (typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string')
    return error.code
  return error instanceof Error ? error.message : 'unknown error'
}
