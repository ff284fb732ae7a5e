import { readFileSync } from 'node:fs'
import { collectDefaultMetrics, Registry } from 'prom-client'
import { type Database, openDatabase } from '../db/pools.ts'
import { openRedis, type Redis } from '../db/redis.ts'
import type { App, AppOptions } from './app-options.ts'
import { AddressRanges } from './base/addresses.ts'
import { assert } from './base/assert.ts'
import { reached } from './base/checkpoint.ts'
import { type Clock, systemClock } from './base/clock.ts'
import type { Id } from './base/ids.ts'
import type { Log } from './base/log.ts'
import { createSampler } from './base/sampler.ts'
import { createHttpApp, createHttpServer, listen, stopListening } from './http.ts'
import { createAccessMetrics } from './laravel/metrics.ts'
import { internalRoutes } from './laravel/routes.ts'
import { Limits } from './limits/limits.ts'
import { createLimitMetrics } from './limits/metrics.ts'
import { NO_LIMITS } from './limits/rules.ts'
import { readiness } from './ops/health.ts'
import { opsRoutes } from './ops/routes.ts'
import { Ring } from './outbox/ring.ts'
import { watchBacklog } from './webhooks/backlog.ts'
import { adapters } from './webhooks/gateways/registry.ts'
import { GroupCommit } from './webhooks/group-commit.ts'
import { Ingest } from './webhooks/ingest.ts'
import { createWebhookMetrics, type WebhookMetrics } from './webhooks/metrics.ts'
import { PauseBoard } from './webhooks/pauses.ts'
import { Processor } from './webhooks/process.ts'
import { WEBHOOK_QUEUE } from './webhooks/queue.ts'
import { webhookRoutes } from './webhooks/routes.ts'
import { Sweeper } from './webhooks/sweep.ts'

export type { App, AppOptions } from './app-options.ts'

/** Connections beside the workers' own, for the sweeper and the looks after a commit. */
const SPARE_WORKER_CONNECTIONS = 2
/** A flood of forgeries must not become a flood of logs. */
const LOG_LINES = { perSecond: 20, burst: 100 }
/** A request may take fifteen seconds to come; what the requests do not need is the workers'. */
const HTTP_SHARE = 0.5
/** Goodbyes to Redis and to the database, at the end of the time to stop. */
const CLOSE_MS = 1_500
const DATABASE_CLOSE_MS = 500

export const VERSION: string = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
).version

/** Builds the service: the only place where things are constructed and joined. Connects to nothing by itself. */
export function createApp(options: AppOptions): App {
  const registry = options.registry ?? new Registry()
  collectDefaultMetrics({ register: registry })
  const resources = openResources(options)
  const metrics = createWebhookMetrics(registry)
  const { ingest, processor, sweeper } = assembleWebhooks(options, resources, metrics)
  const ops = opsRoutes({
    readiness: () =>
      readiness({
        pool: resources.database.commands,
        redis: resources.control,
        isDraining: () => resources.isDraining,
      }),
    metricsText: () => (options.metricsText ?? ((own) => own.metrics()))(registry),
    internalKeys: options.internalKeys,
    metricsNeedKey: options.metricsNeedKey ?? false,
    version: VERSION,
  })
  const limits = new Limits({
    redis: resources.limits,
    rules: options.rateLimits ?? NO_LIMITS,
    installation: options.database.database,
    metrics: createLimitMetrics(registry),
    log: options.log,
    clock: options.clock ?? systemClock,
  })
  const internal = assembleInternalApi(options, limits, registry)
  const webhooks = webhookRoutes({ ingest, metrics })
  const isSeparate = options.internalApi?.isSeparate ?? false
  const serverOf = (parts: Parameters<typeof createHttpApp>[0]) =>
    createHttpServer(createHttpApp(parts, options.log))
  const server = serverOf(isSeparate ? [webhooks, ops] : [webhooks, ops, internal])
  const internalServer = isSeparate ? serverOf([ops, internal]) : null
  const backlogTimer = watchBacklog(resources.database.commands, metrics)
  return {
    server,
    listen: (port, host) => listen(server, port, host),
    listenInternally: (port, host) => {
      assert(internalServer !== null, 'the internal API has no listener of its own')
      return listen(internalServer, port, host)
    },
    work: () => {
      resources.ring.answer((ids, suspect) => processor.process(ids, suspect), options.workerConcurrency)
      sweeper.start()
    },
    stop: async (timeoutMs) => {
      resources.isDraining = true
      const endMs = performance.now() + timeoutMs
      clearInterval(backlogTimer)
      const servers = internalServer === null ? [server] : [server, internalServer]
      await Promise.all(servers.map((one) => stopListening(one, timeoutMs * HTTP_SHARE)))
      const drainMs = Math.max(endMs - CLOSE_MS - performance.now(), 0)
      await Promise.all([sweeper.stop(drainMs), resources.ring.stopAnswering(drainMs)])
      await Promise.all([resources.ring.close(0), resources.database.close(DATABASE_CLOSE_MS)])
      resources.control.disconnect()
      resources.limits.disconnect()
    },
  }
}

interface Resources {
  readonly database: Database
  readonly ring: Ring
  readonly control: Redis
  readonly limits: Redis
  isDraining: boolean
}

function openResources(options: AppOptions): Resources {
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
    isDraining: false,
  }
}

/** The internal API behind its door. */
function assembleInternalApi(options: AppOptions, limits: Limits, registry: Registry) {
  const { log, clock = systemClock, internalApi } = options
  const allowedCidrs = internalApi?.allowedCidrs ?? null
  return internalRoutes({
    rules: {
      keys: options.internalKeys,
      allowed: allowedCidrs === null ? null : new AddressRanges(allowedCidrs),
      trustedProxies: new AddressRanges(internalApi?.trustedProxies ?? []),
    },
    limits,
    metrics: createAccessMetrics(registry),
    log,
    refusals: createSampler({ ...LOG_LINES, clock }),
  })
}

interface Webhooks {
  readonly ingest: Ingest
  readonly processor: Processor
  readonly sweeper: Sweeper
}

function assembleWebhooks(
  options: AppOptions,
  { database, ring }: Resources,
  metrics: WebhookMetrics,
): Webhooks {
  const { log, accounts, callbacks, maxAttempts } = options
  const clock = options.clock ?? systemClock
  const ringFor = async (ids: readonly Id[]): Promise<boolean> => {
    reached('ingest:before-ring')
    const heard = await ring.ring(ids)
    if (!heard) metrics.ringFailed()
    reached('ingest:rung')
    return heard
  }
  const ringOrTakeOver = (ids: readonly Id[]): void => {
    void ringFor(ids).then((heard) => heard || sweeper.takeOver(ids))
  }
  const commit = new GroupCommit({
    pool: database.ingest,
    onStored: ringOrTakeOver,
    onBatch: metrics.committed,
  })
  const samplers = {
    refusals: createSampler({ ...LOG_LINES, clock }),
    acknowledgements: createSampler({ ...LOG_LINES, clock }),
  }
  const processor = new Processor({
    pool: database.workers,
    pauses: new PauseBoard(database.workers),
    log,
    callbacks,
    maxAttempts,
    ring: ringOrTakeOver,
    onBatch: metrics.processed,
    onFailure: metrics.failed,
  })
  const sweeper = new Sweeper({
    pool: database.workers,
    log,
    ring: ringFor,
    depth: () => ring.depth(),
    process: (ids) => processor.process(ids),
    ...(options.sweep === undefined ? {} : { pace: options.sweep }),
  })
  return {
    ingest: new Ingest({ adapters, accounts, commit, clock, metrics, log, samplers }),
    processor,
    sweeper,
  }
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
