import type { DatabaseAddress } from '../db/pools.ts'
import type { RedisAddress } from '../db/redis.ts'
import type { LogLevel } from './base/log.ts'
import { dispatchProblems, settingsOf } from './config/dispatch-settings.ts'
import {
  type AccountCheck,
  accountProblems,
  type GatewayAccounts,
  type GatewayVariables,
  readGateways,
} from './config/gateways.ts'
import { productionProblems } from './config/production.ts'
import { collectSecrets, withheldValues } from './config/secrets.ts'
import {
  type Environment,
  MAX_WORKER_PROCESSES,
  VARIABLES,
  type Variables,
  withoutBlanks,
} from './config/variables.ts'
import { describeLimitRule, type LimitRules } from './limits/rules.ts'
import type { DispatchSettings } from './matching/dispatch/settings.ts'

export interface Config {
  readonly environment: 'development' | 'test' | 'production'
  readonly host: string
  /** 0: the system chooses. */
  readonly port: number
  readonly dataDir: string
  readonly logLevel: LogLevel
  /** null: the embedded one. */
  readonly db: DatabaseAddress | null
  /** null: the embedded one. */
  readonly redis: RedisAddress | null
  readonly dbWorkerConnections: number
  /** The current one first, then the one before it, while it is being rotated out. Empty when JWT_SECRET is missing. */
  readonly jwtSecrets: readonly string[]
  /** As above, of INTERNAL_API_KEY. */
  readonly internalApiKeys: readonly string[]
  /** The listener of the internal API alone; null: it is served beside everything else. Port 0: the system chooses. */
  readonly internal: { readonly host: string; readonly port: number } | null
  /** Addresses and ranges that may call the internal API; null: all. */
  readonly internalAllowedCidrs: readonly string[] | null
  /** Addresses and ranges of the proxies whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly string[]
  readonly rateLimits: LimitRules
  /** null: no callbacks are written. The address has no slash at its end; the key is never null in production. */
  readonly laravel: { readonly url: string; readonly apiKey: string | null } | null
  /** null: Laravel's Redis channels are not listened to. */
  readonly laravelBridge: { readonly prefix: string; readonly currency: string } | null
  /** Origins of browsers that may open a WebSocket; `*` stands for all, outside production. */
  readonly wsCorsOrigins: readonly string[]
  /** How many sockets may be open at once, over all processes; a network's null: any number. */
  readonly wsSockets: { readonly perUser: number; readonly perNetwork: number | null }
  readonly clusterMode: boolean
  readonly workerProcesses: number
  readonly shutdownTimeoutMs: number
  readonly webhookMaxAttempts: number
  readonly webhookWorkerConcurrency: number
  readonly callbackConcurrency: number
  /** How drivers are found where the rules file says nothing else; that file's path, or null. */
  readonly dispatch: { readonly settings: DispatchSettings; readonly rulesFile: string | null }
  /** How long offers and bids are kept. */
  readonly matchingHistoryDays: number
  readonly gateways: GatewayAccounts
  /** Variables that hold no secret though one is needed. Outside production only: make them up and load again. */
  readonly missingSecrets: readonly string[]
  /** Every configured secret's value, for the logger to keep out of its lines. */
  readonly secretValues: readonly string[]
}

export interface Surroundings {
  /** The names of all gateways that this build understands. */
  readonly gateways: readonly string[]
  readonly cores: number
  /** Those of them whose accounts may do without secrets. */
  readonly secretsOptional?: ReadonlySet<string>
  /** What the gateways themselves say about their accounts. Without it only names and strength are checked. */
  readonly check?: AccountCheck
}

export type Loaded =
  | { readonly ok: true; readonly config: Config }
  | { readonly ok: false; readonly problems: readonly string[] }

/**
 * Reads and checks the whole environment. Pure: no access to process.env or files. Every problem is collected as one
 * sentence that begins with its variable's name, says what is expected, and contains no value.
 */
export function loadConfig(
  env: Environment,
  { gateways: names, cores, secretsOptional, check }: Surroundings,
): Loaded {
  const set = withoutBlanks(env)
  const isProduction = set.NODE_ENV?.trim() === 'production'
  const parsed = VARIABLES.safeParse(set)
  const gateways = readGateways(set, names, !isProduction, secretsOptional)
  const problems = [
    ...(parsed.error?.issues ?? []).map(({ path, message }) => `${String(path[0])} ${message}`),
    ...gateways.problems,
    ...(check ? accountProblems(gateways.accounts, isProduction, check) : []),
    ...(isProduction ? productionProblems(set, gateways.accounts) : []),
    ...(parsed.success ? variableProblems(parsed.data) : []),
  ]
  return parsed.success && problems.length === 0
    ? { ok: true, config: build(parsed.data, gateways, cores) }
    : { ok: false, problems }
}

/** The environment with what was made up for it. A variable that is set and not blank always wins. */
export function fillMissing(env: Environment, made: Readonly<Record<string, string>>): Environment {
  return { ...env, ...made, ...withoutBlanks(env) }
}

/** Everything about a configuration that may be shown: addresses and numbers, names of accounts, and no secret. */
export function describeConfig(config: Config): Record<string, unknown> {
  const {
    db,
    redis,
    laravel,
    gateways,
    jwtSecrets,
    internalApiKeys,
    missingSecrets,
    secretValues,
    rateLimits,
    ...shown
  } = config
  return {
    ...shown,
    db: db === null ? 'embedded' : `${db.user}@${db.host}:${db.port}/${db.database}`,
    redis: redis === null ? 'embedded' : `${redis.host}:${redis.port}${redis.isCluster ? ' (cluster)' : ''}`,
    laravel: laravel?.url ?? 'none',
    rateLimits: Object.fromEntries(
      Object.entries(rateLimits).map(([name, rule]) => [name, describeLimitRule(rule)]),
    ),
    rotating: [
      ...(jwtSecrets.length > 1 ? ['JWT_SECRET'] : []),
      ...(internalApiKeys.length > 1 ? ['INTERNAL_API_KEY'] : []),
    ],
    gateways: Object.fromEntries([...gateways].map(([name, accounts]) => [name, [...accounts.keys()]])),
  }
}

/** What single variables do not show. */
function variableProblems(variables: Variables): readonly string[] {
  return [...listenerProblems(variables), ...redisProblems(variables), ...dispatchProblems(variables)]
}

/** Two listeners at one place: said here, since the system would only say EADDRINUSE. */
function listenerProblems({ HOST, PORT, INTERNAL_HOST, INTERNAL_PORT }: Variables): readonly string[] {
  const isOnePlace = INTERNAL_HOST === HOST && INTERNAL_PORT === PORT && PORT !== 0
  return isOnePlace ? ['INTERNAL_PORT must differ from PORT where INTERNAL_HOST is HOST'] : []
}

/** The embedded Redis is one server. */
function redisProblems({ REDIS_HOST, REDIS_CLUSTER }: Variables): readonly string[] {
  return REDIS_CLUSTER && REDIS_HOST === undefined ? ['REDIS_CLUSTER needs REDIS_HOST, one of its nodes'] : []
}

function build(variables: Variables, gateways: GatewayVariables, cores: number): Config {
  const { JWT_SECRET, JWT_SECRET_PREVIOUS, INTERNAL_API_KEY, INTERNAL_API_KEY_PREVIOUS } = variables
  const missing = [
    ...(JWT_SECRET === undefined ? ['JWT_SECRET'] : []),
    ...(INTERNAL_API_KEY === undefined ? ['INTERNAL_API_KEY'] : []),
    ...gateways.missingSecrets,
  ]
  return {
    environment: variables.NODE_ENV,
    host: variables.HOST,
    port: variables.PORT,
    dataDir: variables.DATA_DIR,
    logLevel: variables.LOG_LEVEL,
    ...addresses(variables),
    // Three more than events are worked on, for the sweeper and the looks after a commit.
    dbWorkerConnections: variables.DB_WORKER_CONNECTIONS ?? variables.WEBHOOK_WORKER_CONCURRENCY + 3,
    jwtSecrets: currentFirst(JWT_SECRET, JWT_SECRET_PREVIOUS),
    internalApiKeys: currentFirst(INTERNAL_API_KEY, INTERNAL_API_KEY_PREVIOUS),
    ...internalApi(variables),
    wsCorsOrigins: variables.WS_CORS_ORIGIN,
    wsSockets: { perUser: variables.WS_SOCKETS_PER_USER, perNetwork: variables.WS_SOCKETS_PER_NETWORK },
    clusterMode: variables.CLUSTER_MODE,
    workerProcesses: variables.WORKER_PROCESSES ?? Math.min(Math.max(1, cores), MAX_WORKER_PROCESSES),
    shutdownTimeoutMs: variables.SHUTDOWN_TIMEOUT_SECONDS * 1_000,
    webhookMaxAttempts: variables.WEBHOOK_MAX_ATTEMPTS,
    webhookWorkerConcurrency: variables.WEBHOOK_WORKER_CONCURRENCY,
    callbackConcurrency: variables.CALLBACK_CONCURRENCY,
    dispatch: { settings: settingsOf(variables), rulesFile: variables.DISPATCH_RULES_FILE?.trim() ?? null },
    matchingHistoryDays: variables.DISPATCH_HISTORY_DAYS,
    gateways: gateways.accounts,
    missingSecrets: variables.NODE_ENV === 'production' ? [] : missing,
    secretValues: withheldValues(collectSecrets(variables, gateways.accounts)),
  }
}

function internalApi(
  variables: Variables,
): Pick<Config, 'internal' | 'internalAllowedCidrs' | 'trustedProxies' | 'rateLimits'> {
  const { INTERNAL_HOST, INTERNAL_PORT, INTERNAL_ALLOWED_CIDRS, TRUSTED_PROXIES } = variables
  return {
    internal: INTERNAL_HOST === undefined ? null : { host: INTERNAL_HOST, port: INTERNAL_PORT },
    internalAllowedCidrs: INTERNAL_ALLOWED_CIDRS ?? null,
    trustedProxies: TRUSTED_PROXIES,
    rateLimits: {
      'internal-api': variables.RATE_LIMIT_INTERNAL_API,
      auth: variables.RATE_LIMIT_AUTH,
      'trip-create': variables.RATE_LIMIT_TRIP_CREATE,
      bid: variables.RATE_LIMIT_BID,
      command: variables.RATE_LIMIT_COMMAND,
      handshake: variables.RATE_LIMIT_HANDSHAKE,
    },
  }
}

function addresses(variables: Variables): Pick<Config, 'db' | 'redis' | 'laravel' | 'laravelBridge'> {
  const { DB_HOST, REDIS_HOST, LARAVEL_API_URL, LARAVEL_REDIS_PREFIX, LARAVEL_CURRENCY } = variables
  return {
    db: DB_HOST === undefined ? null : databaseAt(DB_HOST, variables),
    redis:
      REDIS_HOST === undefined
        ? null
        : {
            host: REDIS_HOST,
            port: variables.REDIS_PORT,
            password: variables.REDIS_PASSWORD ?? '',
            isCluster: variables.REDIS_CLUSTER,
          },
    laravel:
      LARAVEL_API_URL === undefined
        ? null
        : { url: LARAVEL_API_URL, apiKey: variables.LARAVEL_API_KEY ?? null },
    laravelBridge: variables.LARAVEL_BRIDGE
      ? { prefix: LARAVEL_REDIS_PREFIX, currency: LARAVEL_CURRENCY }
      : null,
  }
}

function databaseAt(host: string, variables: Variables): DatabaseAddress {
  return {
    host,
    port: variables.DB_PORT,
    user: variables.DB_USERNAME,
    password: variables.DB_PASSWORD ?? '',
    database: variables.DB_DATABASE,
  }
}

function currentFirst(current: string | undefined, previous: string | undefined): readonly string[] {
  return current === undefined ? [] : [current, ...(previous === undefined ? [] : [previous])]
}
