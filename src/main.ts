import { availableParallelism } from 'node:os'
import { Registry } from 'prom-client'
import { EMBEDDED_DATABASE, openDataHost } from '../db/embedded/data-host.ts'
import { migrate } from '../db/migrate.ts'
import { createDatabaseIfMissing, type DatabaseAddress } from '../db/pools.ts'
import type { RedisAddress } from '../db/redis.ts'
import { type App, createApp } from './app.ts'
import { welcome } from './banner.ts'
import { createLogger, type Log } from './base/log.ts'
import { clusterMetrics, installWorker, isClusterWorker, runPrimary } from './cluster.ts'
import { addressVariables } from './config/addresses.ts'
import { type Config, describeConfig } from './config.ts'
import { loadForUse } from './development.ts'
import { readDispatchRules } from './dispatch-rules.ts'
import type { DispatchRules } from './matching/dispatch/settings.ts'
import { untilStopped } from './signals.ts'

/** Exit codes of the service, as the CLI has them: a clean stop, could not start or stop, wrong configuration. */
const EXIT = { done: 0, failed: 1, misconfigured: 4 } as const

/** Runs the service until a signal ends it; returns the exit code. */
export async function serve(env: NodeJS.ProcessEnv = process.env): Promise<number> {
  const loaded = load(env)
  if (loaded.kind === 'problems') {
    console.error(`Onceline cannot start:\n${loaded.problems.map((problem) => `  - ${problem}`).join('\n')}`)
    return EXIT.misconfigured
  }
  const { config } = loaded
  const log = createLogger({ level: config.logLevel, secrets: config.secretValues })
  try {
    if (isClusterWorker()) return await runWorker(loaded, log)
    return await runHost(loaded, log, env)
  } catch (error) {
    log.fatal({ err: error }, 'Onceline could not run')
    console.error(`Onceline could not run: ${error instanceof Error ? error.message : String(error)}`)
    return EXIT.failed
  }
}

/** What the service is started with. */
interface Setup {
  readonly kind: 'setup'
  readonly config: Config
  readonly dispatchRules: DispatchRules
  /** Secrets that were made up. */
  readonly generated: Readonly<Record<string, string>>
}

type Loaded = { readonly kind: 'problems'; readonly problems: readonly string[] } | Setup

function withRules(config: Config, generated: Setup['generated']): Loaded {
  const read = readDispatchRules(config)
  if (!read.ok) return { kind: 'problems', problems: read.problems }
  return { kind: 'setup', config, dispatchRules: read.loaded.rules, generated }
}

function load(env: NodeJS.ProcessEnv): Loaded {
  const loaded = loadForUse(env, availableParallelism())
  if (!loaded.ok) return { kind: 'problems', problems: loaded.problems }
  return withRules(loaded.config, loaded.generated)
}

interface Addresses {
  readonly database: DatabaseAddress
  readonly redis: RedisAddress
  /** Ends what was started for us. */
  close(): Promise<void>
}

/** The real servers where they are configured, the embedded data host for the rest. */
async function openAddresses(config: Config, log: Log): Promise<Addresses> {
  if (config.db && config.redis) return { database: config.db, redis: config.redis, close: async () => {} }
  const host = await openDataHost({ dataDir: config.dataDir, log: (line) => log.info(line) })
  const database = config.db ?? { ...host.mysql, database: EMBEDDED_DATABASE }
  try {
    if (!config.db) await createDatabaseIfMissing(database)
  } catch (error) {
    await host.stop()
    throw error
  }
  return { database, redis: config.redis ?? host.redis, close: () => host.stop() }
}

/** The process that a person started: it migrates, and then serves itself or through its workers. */
async function runHost(setup: Setup, log: Log, env: NodeJS.ProcessEnv): Promise<number> {
  const { config, generated } = setup
  const stopped = config.clusterMode ? null : untilStopped(log)
  const addresses = await openAddresses(config, log)
  try {
    const { applied } = await migrate(addresses.database)
    if (applied.length > 0) log.info({ applied }, 'schema migrated')
    log.info(describeConfig(config), 'starting')
    if (stopped !== null) return await runSingle(setup, log, addresses, stopped)
    return await runPrimary({
      workers: config.workerProcesses,
      env: { ...env, ...generated, ...addressVariables(addresses.database, addresses.redis) },
      log,
      shutdownTimeoutMs: config.shutdownTimeoutMs,
      listeners: config.internal === null ? 1 : 2,
      onReady: ([port = 0, internalPort = null]) =>
        welcome({ config, port, internalPort, generated, embedded: !config.db }),
    })
  } finally {
    await addresses.close()
  }
}

async function runSingle(
  setup: Setup,
  log: Log,
  addresses: Addresses,
  stopped: Promise<void>,
): Promise<number> {
  const { config, generated } = setup
  const app = createApp({ ...appOptions(setup, log), ...addresses })
  try {
    const { port, internalPort } = await listenEverywhere(app, config)
    app.work()
    log.info({ host: config.host, port, internalHost: config.internal?.host, internalPort }, 'ready')
    welcome({ config, port, internalPort, generated, embedded: !config.db })
    await stopped
    log.info('stopping: answering what is in flight')
  } finally {
    await app.stop(config.shutdownTimeoutMs)
  }
  log.info('stopped')
  return EXIT.done
}

/** A worker of the cluster: the primary has opened the data host and migrated, and tells when to stop. */
async function runWorker(setup: Setup, log: Log): Promise<number> {
  const { config } = setup
  if (!config.db || !config.redis) throw new Error('a worker needs the addresses that its primary gives it')
  const registry = new Registry()
  const app = createApp({
    ...appOptions(setup, log),
    database: config.db,
    redis: config.redis,
    registry,
    metricsText: () => clusterMetrics(),
  })
  const drained = new Promise<void>((resolve) => {
    installWorker({
      log,
      registry,
      drain: async () => {
        await app.stop(config.shutdownTimeoutMs)
        resolve()
      },
    })
  })
  await listenEverywhere(app, config)
  app.work()
  await drained
  return EXIT.done
}

/** The public listener first: a cluster's primary tells a worker's ports apart by their order. */
async function listenEverywhere(
  app: App,
  { port, host, internal }: Config,
): Promise<{ port: number; internalPort: number | null }> {
  const publicPort = await app.listen(port, host)
  const internalPort = internal === null ? null : await app.listenInternally(internal.port, internal.host)
  return { port: publicPort, internalPort }
}

function appOptions({ config, dispatchRules }: Setup, log: Log) {
  return {
    accounts: config.gateways,
    internalKeys: config.internalApiKeys,
    internalApi: {
      isSeparate: config.internal !== null,
      allowedCidrs: config.internalAllowedCidrs,
      trustedProxies: config.trustedProxies,
    },
    realtime: {
      jwtSecrets: config.jwtSecrets,
      allowedOrigins: config.wsCorsOrigins,
      sockets: config.wsSockets,
      allowsThisMachine: config.environment === 'development',
    },
    playground: config.environment === 'development',
    rateLimits: config.rateLimits,
    metricsNeedKey: config.environment === 'production',
    callbacks: config.laravel !== null,
    laravel: config.laravel,
    bridge: config.laravelBridge,
    callbackConcurrency: config.callbackConcurrency,
    dispatchRules,
    matchingHistoryDays: config.matchingHistoryDays,
    workerConcurrency: config.webhookWorkerConcurrency,
    workerConnections: config.dbWorkerConnections,
    maxAttempts: config.webhookMaxAttempts,
    log,
  }
}

if (import.meta.main) process.exitCode = await serve()
