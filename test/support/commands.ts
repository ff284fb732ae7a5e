import { Registry } from 'prom-client'
import { type CommandPool, openCommandPool } from '../../db/pools.ts'
import { systemClock } from '../../src/base/clock.ts'
import type { Id } from '../../src/base/ids.ts'
import { createLogger } from '../../src/base/log.ts'
import { createSampler } from '../../src/base/sampler.ts'
import type { Push } from '../../src/feed/envelope.ts'
import { Once } from '../../src/idempotency/once.ts'
import { DEFAULT_RULES, type DispatchRules } from '../../src/matching/dispatch/settings.ts'
import { RideTracker } from '../../src/matching/drivers/ride-tracker.ts'
import { straightLine } from '../../src/matching/drivers/route-estimate.ts'
import { bidCommands } from '../../src/realtime/commands/bid-commands.ts'
import type { CommandConnection, Handlers } from '../../src/realtime/commands/command.ts'
import { createCommandMetrics } from '../../src/realtime/commands/command-metrics.ts'
import { Commands } from '../../src/realtime/commands/commands.ts'
import { DriverLocations } from '../../src/realtime/commands/driver-location.ts'
import { dutyCommands } from '../../src/realtime/commands/duty-commands.ts'
import { offerCommands } from '../../src/realtime/commands/offer-commands.ts'
import { rideRequestCommands } from '../../src/realtime/commands/ride-request.ts'
import { rideWatchCommands } from '../../src/realtime/commands/ride-watch.ts'
import { sessionCommands } from '../../src/realtime/commands/session-commands.ts'
import { tripCommands } from '../../src/realtime/commands/trip-commands.ts'
import { type TokenUser, tokenRules, type UserType } from '../../src/realtime/door/token.ts'
import type { TestDatabase } from './database.ts'
import { type OpenLimits, type OpenLimitsOptions, openLimits } from './limits.ts'

export const JWT_SECRET = 'c0ffee-jwt-5ecret-of-32-characters-or-more'

/** A connection that remembers what was asked of it. */
export class StandInConnection implements CommandConnection {
  readonly connectionId = 'test'
  readonly asked: string[] = []
  readonly heard = new Set<string>()
  user: TokenUser

  constructor(userId: string, userType: UserType) {
    this.user = { userId, userType, expiresAtMs: Date.now() + 3_600_000 }
  }

  get topics(): number {
    return this.heard.size
  }

  listensTo(topic: string): boolean {
    return this.heard.has(topic)
  }

  async subscribe(topic: string): Promise<void> {
    this.heard.add(topic)
  }

  unsubscribe(topic: string): void {
    this.heard.delete(topic)
  }

  resume(since: number): void {
    this.asked.push(`resume ${since}`)
  }

  acknowledged(seq: number): void {
    this.asked.push(`acknowledged ${seq}`)
  }

  renew(user: TokenUser): void {
    this.user = user
  }
}

/** What came back, as JSON. */
export interface Heard {
  readonly text: string | null
  readonly reply: {
    readonly re: string | null
    readonly ok: boolean
    readonly data?: Readonly<Record<string, unknown>>
    readonly error?: { readonly code: string; readonly retry: boolean } & Readonly<Record<string, unknown>>
  } | null
  readonly pushes: readonly { readonly event: string; readonly data: Readonly<Record<string, unknown>> }[]
  readonly malformed: boolean
}

export interface OpenCommandsOptions {
  readonly rules?: OpenLimitsOptions['rules']
  readonly handlers?: Handlers
  /** Of the key's wait for another process. */
  readonly waitMs?: number
  readonly pool?: CommandPool
  /** How drivers are looked for; the defaults, if not said. */
  readonly dispatch?: DispatchRules
}

/** The commands as a process has them, with all that they told. */
export interface OpenCommands {
  readonly commands: Commands
  readonly pool: CommandPool
  readonly pushes: Push[]
  readonly rings: Id[]
  /** Trips that the dispatcher was told to look at. */
  readonly wakes: string[]
  readonly lines: string[]
  readonly limits: OpenLimits
  readonly registry: Registry
  /** Sends one command. */
  say(connection: CommandConnection, event: string, data?: object, id?: string | null): Promise<Heard>
  close(): Promise<void>
}

export function openCommands(database: TestDatabase, options: OpenCommandsOptions = {}): OpenCommands {
  const pool = options.pool ?? openCommandPool(database.address, 4)
  const [pushes, rings, lines, wakes]: [Push[], Id[], string[], string[]] = [[], [], [], []]
  const installation = database.address.database
  const limits = openLimits({
    redis: database.redis,
    rules: options.rules ?? {},
    installation,
    patient: true,
  })
  const registry = new Registry()
  const { dispatch: rules = DEFAULT_RULES } = options
  const clock = systemClock
  const publish = async (some: readonly Push[]) => void pushes.push(...some)
  const tracker = new RideTracker({ publish, estimate: straightLine, rules: DEFAULT_RULES, clock })
  const locations = new DriverLocations({ drivers: { located: () => undefined }, clock })
  const commands = new Commands({
    once: new Once({ pool, ...(options.waitMs === undefined ? {} : { waitMs: options.waitMs }) }),
    callbacks: true,
    ring: (ids) => void rings.push(...ids),
    publish,
    rules,
    wake: (ids) => void wakes.push(...ids),
    answered: () => undefined,
    limits: limits.limits,
    metrics: createCommandMetrics(registry),
    log: createLogger({ level: 'debug', destination: { write: (line) => void lines.push(line) } }),
    defects: createSampler({ perSecond: 1, burst: 10 }),
    locations,
    handlers: options.handlers ?? {
      ...sessionCommands({
        tokens: tokenRules([JWT_SECRET], clock),
        metrics: { tokenChecked: () => undefined },
        clock,
      }),
      ...rideWatchCommands(pool, tracker),
      ...locations.handlers,
      ...offerCommands(),
      ...dutyCommands(),
      ...tripCommands({ callbacks: true, rules }),
      ...bidCommands({ callbacks: true, rules }),
      ...rideRequestCommands({ callbacks: true, rules }),
    },
  })
  return {
    ...{ commands, pool, pushes, rings, wakes, lines, limits, registry },
    say: async (connection, event, data = {}, id = 'c1') => {
      const frame = id === null ? { event, data } : { id, event, data }
      const received = await commands.receive(connection, JSON.stringify(frame))
      const text = received.reply?.toString() ?? null
      return {
        text,
        reply: text === null ? null : JSON.parse(text),
        pushes: received.pushes.map((push) => JSON.parse(push.toString())),
        malformed: received.malformed,
      }
    },
    close: async () => {
      limits.close()
      await pool.end()
    },
  }
}
