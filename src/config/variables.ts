import { z } from 'zod'
import { isRange } from '../base/addresses.ts'
import { LOG_LEVELS } from '../base/log.ts'
import { isCurrency } from '../base/money.ts'
import { LIMIT_RULE_FORM, type LimitRule, parseLimitRule } from '../limits/rules.ts'
import { DISPATCH_POLICIES } from '../matching/trips/trip.ts'
import { DECISION_DAYS, HISTORY_DAYS } from '../matching/upkeep/history-pruner.ts'
import { DISPATCH_LIMITS } from './dispatch-limits.ts'

/** What the program is started with. A blank value counts as not set. */
export type Environment = Readonly<Record<string, string | undefined>>

export const MAX_WORKER_PROCESSES = 64
/** One more second and pm2's `kill_timeout` of 35 s would end the primary in the middle of its drain. */
const MAX_SHUTDOWN_SECONDS = 30

/**
 * Every variable with a fixed name, as text to value. A schema's message says what is expected and never repeats the
 * value, which may be a secret in the wrong place. Gateways' variables are made of their names: see gateways.ts.
 */
export const VARIABLES = z.object({
  NODE_ENV: choice(['development', 'test', 'production']).default('development'),
  HOST: host().default('127.0.0.1'),
  // Port 0 lets the system choose a free one.
  PORT: integer(0, 65_535).default(3_000),
  DATA_DIR: z.string().default('.data'),
  LOG_LEVEL: choice(LOG_LEVELS).default('info'),

  DB_HOST: host().optional(),
  DB_PORT: integer(1, 65_535).default(3_306),
  DB_DATABASE: z.string().default('onceline'),
  DB_USERNAME: z.string().default('onceline'),
  DB_PASSWORD: z.string().optional(),
  DB_WORKER_CONNECTIONS: integer(1, 128).optional(),
  REDIS_HOST: host().optional(),
  REDIS_PORT: integer(1, 65_535).default(6_379),
  REDIS_PASSWORD: z.string().optional(),
  REDIS_CLUSTER: flag().default(false),

  JWT_SECRET: z.string().optional(),
  JWT_SECRET_PREVIOUS: z.string().optional(),
  INTERNAL_API_KEY: z.string().optional(),
  INTERNAL_API_KEY_PREVIOUS: z.string().optional(),
  INTERNAL_HOST: host().optional(),
  INTERNAL_PORT: integer(0, 65_535).default(3_001),
  INTERNAL_ALLOWED_CIDRS: ranges().optional(),
  TRUSTED_PROXIES: ranges().default([]),
  LARAVEL_API_URL: httpUrl().optional(),
  LARAVEL_API_KEY: z.string().optional(),
  LARAVEL_BRIDGE: flag().default(false),
  LARAVEL_REDIS_PREFIX: prefix().default(''),
  LARAVEL_CURRENCY: currency().default('EGP'),
  WS_CORS_ORIGIN: origins().default([]),
  // A phone, its predecessor that has not noticed that it is gone, and a browser.
  WS_SOCKETS_PER_USER: integer(1, 1_000).default(3),
  // An office behind one address; a carrier has thousands behind one.
  WS_SOCKETS_PER_NETWORK: integerOrOff(1, 1_000_000).default(200),

  CLUSTER_MODE: flag().default(false),
  WORKER_PROCESSES: integer(1, MAX_WORKER_PROCESSES).optional(),
  SHUTDOWN_TIMEOUT_SECONDS: integer(1, MAX_SHUTDOWN_SECONDS).default(MAX_SHUTDOWN_SECONDS),
  WEBHOOK_MAX_ATTEMPTS: integer(1, 100).default(12),
  WEBHOOK_WORKER_CONCURRENCY: integer(1, 64).default(8),

  // One key may have all of Laravel's traffic behind it: this stops a loop gone wild, not a busy evening.
  RATE_LIMIT_INTERNAL_API: limit({ points: 12_000, seconds: 60 }),
  // Mobile carriers put thousands of riders behind one address; keys and tokens cannot be guessed at any such rate.
  RATE_LIMIT_AUTH: limit({ points: 600, seconds: 60 }),
  RATE_LIMIT_TRIP_CREATE: limit({ points: 20, seconds: 60 }),
  RATE_LIMIT_BID: limit({ points: 60, seconds: 60 }),
  RATE_LIMIT_COMMAND: limit({ points: 600, seconds: 60 }),
  // Half of an office whose line came back, in one second.
  RATE_LIMIT_HANDSHAKE: limit({ points: 100, seconds: 1 }),
  CALLBACK_CONCURRENCY: integer(1, 64).default(16),

  DISPATCH_POLICY: choice(DISPATCH_POLICIES).default('broadcast'),
  DRIVER_SEARCH_RADIUS_KM: decimal(DISPATCH_LIMITS.radiusKm).default(10),
  MAX_DRIVERS_TO_NOTIFY: integer(...DISPATCH_LIMITS.maxDrivers).default(10),
  DRIVER_MATCH_TIMEOUT_SECONDS: integer(...DISPATCH_LIMITS.matchTimeoutSeconds).default(120),
  // Not set: as in dispatch-settings.ts, and never longer than the time-out.
  DISPATCH_NO_DRIVERS_SECONDS: integer(...DISPATCH_LIMITS.noDriversSeconds).optional(),
  DISPATCH_OFFER_SECONDS: integer(...DISPATCH_LIMITS.offerSeconds).optional(),
  DISPATCH_BIDDING_SECONDS: integer(...DISPATCH_LIMITS.biddingSeconds).optional(),
  DISPATCH_WINDOW_MS: integer(...DISPATCH_LIMITS.windowMs).default(2_000),
  DISPATCH_RETRY_MS: integer(...DISPATCH_LIMITS.retryMs).default(2_000),
  DISPATCH_RULES_FILE: z.string().optional(),
  // Never shorter than the decisions, which name the offers.
  DISPATCH_HISTORY_DAYS: integer(DECISION_DAYS, 3_650).default(HISTORY_DAYS),
})

export type Variables = z.output<typeof VARIABLES>

/** Every fixed name, in the order of the documentation. */
export const VARIABLE_NAMES: readonly string[] = Object.keys(VARIABLES.shape)

/** The environment without blank values; those of the fixed names keep their text exactly. */
export function withoutBlanks(env: Environment): Record<string, string> {
  const set = Object.entries(env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && entry[1].trim() !== '',
  )
  return Object.fromEntries(set)
}

function choice<const Words extends readonly string[]>(words: Words) {
  return z.string().transform((text, context): Words[number] => {
    const word = words.find((one) => one === text.trim())
    return word ?? refuse(context, `must be one of ${words.join(', ')}`)
  })
}

function integer(min: number, max: number) {
  return z.string().transform((text, context) => {
    const value = /^\d{1,9}$/.test(text.trim()) ? Number(text) : Number.NaN
    return value >= min && value <= max
      ? value
      : refuse(context, `must be a whole number from ${min} to ${max}`)
  })
}

function decimal([min, max]: readonly [number, number]) {
  return z.string().transform((text, context) => {
    const value = /^\d{1,9}(\.\d{1,9})?$/.test(text.trim()) ? Number(text) : Number.NaN
    return value >= min && value <= max ? value : refuse(context, `must be a number from ${min} to ${max}`)
  })
}

/** null: off. */
function integerOrOff(min: number, max: number) {
  return z.string().transform((text, context): number | null => {
    if (text.trim().toLowerCase() === 'off') return null
    const value = /^\d{1,9}$/.test(text.trim()) ? Number(text) : Number.NaN
    return value >= min && value <= max
      ? value
      : refuse(context, `must be off, or a whole number from ${min} to ${max}`)
  })
}

function flag() {
  return z.string().transform((text, context) => {
    const word = text.trim().toLowerCase()
    if (word === 'true' || word === '1') return true
    return word === 'false' || word === '0' ? false : refuse(context, 'must be true, false, 1 or 0')
  })
}

/** A name or an address alone: `tcp://db:3306` and `db:3306` are the usual mistakes, an IPv6 address is none. */
function host() {
  return z.string().transform((text, context) => {
    const name = text.trim()
    const isHost =
      /^[A-Za-z0-9._-]+$/.test(name) || /^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*$/.test(name)
    return isHost ? name : refuse(context, 'must be a host name or an IP address, without scheme and port')
  })
}

/** Credentials in a URL would be a secret that nobody knows of. */
function httpUrl() {
  const expected = 'must be an http:// or https:// address without credentials, query and fragment'
  return z.string().transform((text, context) => {
    const url = URL.parse(text.trim())
    if (url === null || !/^https?:$/.test(url.protocol)) return refuse(context, expected)
    if (url.username + url.password + url.search + url.hash !== '') return refuse(context, expected)
    return url.href.replace(/\/+$/, '')
  })
}

/** App schemes such as `capacitor://localhost` are origins too, which URL.origin does not know. */
function origins() {
  const expected = 'must be origins such as https://app.example.org, separated by commas, or *'
  return z.string().transform((text, context): readonly string[] => {
    const list = splitList(text).map((origin) => origin.replace(/\/$/, ''))
    const areOrigins = list.every(
      (origin) => origin === '*' || /^[a-z][a-z0-9+.-]*:\/\/[^/\s?#@]+$/i.test(origin),
    )
    return areOrigins && list.length > 0 ? list : refuse(context, expected)
  })
}

function ranges() {
  const expected = 'must be addresses or ranges such as 10.0.0.0/8 or fd00::/8, separated by commas'
  return z.string().transform((text, context): readonly string[] => {
    const list = splitList(text)
    return list.length > 0 && list.every(isRange) ? list : refuse(context, expected)
  })
}

/** Laravel's default is the application's name and `_database_`. Blanks around it are a mistake. */
function prefix() {
  return z.string().transform((text, context) => {
    const name = text.trim()
    return /^[\x21-\x7e]{1,64}$/.test(name)
      ? name
      : refuse(context, 'must be 1 to 64 printable ASCII characters')
  })
}

function currency() {
  return z.string().transform((text, context) => {
    const code = text.trim()
    return isCurrency(code) ? code : refuse(context, 'must be an active ISO 4217 code in upper case')
  })
}

function limit(preset: LimitRule) {
  return z
    .string()
    .transform((text, context): LimitRule | null => {
      const rule = parseLimitRule(text)
      return rule === undefined ? refuse(context, LIMIT_RULE_FORM) : rule
    })
    .default(preset)
}

/** The entries of a comma-separated list, trimmed, without the empty ones. */
export function splitList(text: string): readonly string[] {
  return text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
}

function refuse(context: z.RefinementCtx, message: string): never {
  context.addIssue(message)
  return z.NEVER
}
