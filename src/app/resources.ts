import type { Registry } from 'prom-client'
import { type Database, openDatabase } from '../../db/pools.ts'
import { openRedis, type Redis } from '../../db/redis.ts'
import { type Clock, systemClock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { createSampler } from '../base/sampler.ts'
import { Limits } from '../limits/limits.ts'
import { createLimitMetrics } from '../limits/metrics.ts'
import { NO_LIMITS } from '../limits/rules.ts'
import { Ring } from '../outbox/ring.ts'
import { WEBHOOK_QUEUE } from '../webhooks/queue.ts'
import type { AppOptions } from './options.ts'

/** Connections beside the workers' own, for the sweeper, the pruner, the completer and the looks after a commit. */
const SPARE_WORKER_CONNECTIONS = 2
/** A flood of forgeries must not become a flood of logs. */
export const LOG_LINES = { perSecond: 20, burst: 100 }

/** What has to be closed in the end. */
export interface Resources {
  readonly database: Database
  readonly ring: Ring
  readonly control: Redis
  readonly limits: Redis
  readonly onRedisError: (error: Error) => void
  isDraining: boolean
}

/** Opens pools and clients; they connect when they are first used. */
export function openResources(options: AppOptions): Resources {
  const onError = quietly(options.log, options.clock ?? systemClock)
  return {
    database: openDatabase(
      options.database,
      options.workerConnections ?? options.workerConcurrency + SPARE_WORKER_CONNECTIONS,
    ),
    ring: new Ring({
      redis: options.redis,
      name: WEBHOOK_QUEUE,
      installation: options.database.database,
      onError,
      onFailed: (err) => options.log.warn({ err }, 'a job was given up; its events are rung for again'),
    }),
    control: openRedis(options.redis, 'control', onError),
    limits: openRedis(options.redis, 'limits', onError),
    onRedisError: onError,
    isDraining: false,
  }
}

/** The limits that all doors share. */
export function openLimits(options: AppOptions, { limits }: Resources, registry: Registry): Limits {
  return new Limits({
    redis: limits,
    rules: options.rateLimits ?? NO_LIMITS,
    installation: options.database.database,
    metrics: createLimitMetrics(registry),
    log: options.log,
    clock: options.clock ?? systemClock,
  })
}

/** Redis away makes an error every second and a half: one line says it, the next says how many there were. */
function quietly(log: Log, clock: Clock): (error: Error) => void {
  const sampler = createSampler({ perSecond: 1 / 30, burst: 1, clock })
  return (error) => {
    const permission = sampler.allow()
    if (permission)
      log.warn({ err: error, ...permission }, 'Redis trouble; events are stored and processed without it')
  }
}
