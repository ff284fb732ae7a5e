import { availableParallelism } from 'node:os'
import { EMBEDDED_DATABASE, openDataHost } from '../../db/embedded/data-host.ts'
import { migrate } from '../../db/migrate.ts'
import { migrationStatus } from '../../db/migration-status.ts'
import { createDatabaseIfMissing, type DatabaseAddress, openPool, type Pool } from '../../db/pools.ts'
import type { RedisAddress } from '../../db/redis.ts'
import { type Config, type Loaded, loadConfig } from '../config.ts'
import { loadForUse, surroundings } from '../development.ts'
import type { AccountName } from '../webhooks/gateway-pause.ts'
import { DEFAULT_ACCOUNT } from '../webhooks/gateways/adapter.ts'
import { adapters } from '../webhooks/gateways/registry.ts'
import { EXIT } from './exit-codes.ts'
import { CliError } from './failure.ts'

/** What a command works with while it runs. */
export interface CliContext {
  readonly config: Config
  readonly database: DatabaseAddress
  readonly pool: Pool
  /** null: a private Redis that nobody has started; the service rings for itself when it starts. */
  readonly redis: RedisAddress | null
  /** The database is the private one of the data folder. */
  readonly isEmbedded: boolean
}

export interface ContextOptions {
  /** False leaves an embedded database as it is; a real one is never migrated here. */
  readonly migrates?: boolean
}

/** A command asks one thing after the other, and at most two at once. */
const CONNECTIONS = 2
const LOCK_WAIT_SECONDS = 2

/** The checked configuration. Throws a CliError that lists every problem. */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  return configOf(loadConfig(env, surroundings(availableParallelism())))
}

/** The same with what the service makes up for development. */
export function readConfigForUse(env: NodeJS.ProcessEnv): Config {
  return configOf(loadForUse(env, availableParallelism()))
}

function configOf(loaded: Loaded): Config {
  if (loaded.ok) return loaded.config
  throw new CliError({
    code: 'configuration',
    message: 'the configuration has problems',
    exitCode: EXIT.configuration,
    problems: loaded.problems,
  })
}

/**
 * Lends the configured servers for one piece of work and closes everything after it. Without DB_HOST these are the data
 * folder's: shared while a service runs there, otherwise started for as long as this takes.
 */
export async function withContext<T>(
  env: NodeJS.ProcessEnv,
  work: (context: CliContext) => Promise<T>,
  options: ContextOptions = {},
): Promise<T> {
  const config = readConfig(env)
  if (config.db !== null) {
    return withPool(config.db, (pool) =>
      work({ config, database: config.db as DatabaseAddress, pool, redis: config.redis, isEmbedded: false }),
    )
  }
  const host = await openDataHost({ dataDir: config.dataDir })
  try {
    const database = { ...host.mysql, database: EMBEDDED_DATABASE }
    await createDatabaseIfMissing(database)
    return await withPool(database, async (pool) => {
      if (options.migrates !== false) await migrateIfNew(database, pool)
      return work({ config, database, pool, redis: config.redis ?? host.redis, isEmbedded: true })
    })
  } finally {
    await host.stop()
  }
}

async function withPool<T>(database: DatabaseAddress, work: (pool: Pool) => Promise<T>): Promise<T> {
  const pool = openPool(database, { connectionLimit: CONNECTIONS, lockWaitSeconds: LOCK_WAIT_SECONDS })
  try {
    return await work(pool)
  } finally {
    await pool.end().catch(() => undefined)
  }
}

/** The embedded database is nobody else's, so a command on a fresh clone need not send its user away to migrate. */
async function migrateIfNew(database: DatabaseAddress, pool: Pool): Promise<void> {
  const all = await migrationStatus(pool)
  if (all.some(({ status }) => status !== 'done')) await migrate(database)
}

/** Every account that webhooks may name. Outside production each gateway has a default one, with secrets made up for it. */
export function knownAccounts(config: Config): readonly AccountName[] {
  const configured = [...config.gateways].flatMap(([gateway, accounts]) =>
    [...accounts.keys()].map((account) => ({ gateway, account })),
  )
  if (config.environment === 'production') return configured
  const defaults = [...adapters.keys()]
    .filter((gateway) => !config.gateways.get(gateway)?.has(DEFAULT_ACCOUNT))
    .map((gateway) => ({ gateway, account: DEFAULT_ACCOUNT }))
  return [...configured, ...defaults]
}

/** Throws a usage error that names the known accounts when this is none of them. */
export function assertKnownAccount(config: Config, asked: AccountName, option: string): void {
  const known = knownAccounts(config)
  if (known.some(({ gateway, account }) => gateway === asked.gateway && account === asked.account)) return
  const names = known.map(({ gateway, account }) => `${gateway}/${account}`).join(', ')
  throw new CliError({
    code: 'usage',
    message: `${option}: ${asked.gateway}/${asked.account} is not configured; known are ${names || 'none'}`,
    exitCode: EXIT.usage,
  })
}
