import { flushCompileCache } from 'node:module'
import type { DatabaseAddress } from '../../db/pools.ts'
import type { RedisAddress } from '../../db/redis.ts'
import { type App, type AppOptions, createApp } from '../../src/app.ts'
import { type Checkpoint, listenToCheckpoints } from '../../src/base/checkpoint.ts'
import { createLogger } from '../../src/base/log.ts'
import {
  DEFAULT_SETTINGS,
  type DispatchRules,
  type DispatchSettings,
} from '../../src/matching/dispatch/settings.ts'
import type { GatewayAccount } from '../../src/webhooks/gateways/adapter.ts'

/**
 * A real server process that fault tests start, and that ends itself with SIGKILL where it is told to. It loads
 * everything before it says `ready`, so that a spare one takes a dead one's place at once.
 */
export type Order =
  | {
      readonly kind: 'start'
      readonly database: DatabaseAddress
      readonly redis: RedisAddress
      /** One secret a gateway. */
      readonly secrets: Readonly<Record<string, string>>
      /** The other settings of gateways, and how long one process asks about an event alone. */
      readonly settings?: Readonly<Record<string, GatewayAccount['settings']>>
      readonly asking?: AppOptions['asking']
      /** Who may connect; nobody by default. */
      readonly realtime?: AppOptions['realtime']
      /** Laravel's; nobody is let in by default. */
      readonly internalKey?: string
      /** Drivers are found with these settings in zones whose names begin so; elsewhere as everywhere. */
      readonly dispatch?: { readonly zones: string; readonly settings: DispatchSettings }
    }
  /** Die at the n-th passing of this checkpoint from now on. */
  | { readonly kind: 'die'; readonly checkpoint: Checkpoint; readonly passing: number }
  /** Say on stderr how often each checkpoint was passed. */
  | { readonly kind: 'tell' }

export type Report = { readonly kind: 'ready' } | { readonly kind: 'listening'; readonly port: number }

/** How often each checkpoint was passed, so that a process that did not die can say why. */
const passings = new Map<Checkpoint, number>()
const STOP_TIMEOUT_MS = 10_000
let app: App | null = null
let doom: { readonly checkpoint: Checkpoint; passingsLeft: number } | null = null

listenToCheckpoints((checkpoint) => {
  passings.set(checkpoint, (passings.get(checkpoint) ?? 0) + 1)
  if (doom === null || doom.checkpoint !== checkpoint) return
  doom.passingsLeft -= 1
  if (doom.passingsLeft === 0) process.kill(process.pid, 'SIGKILL')
})

process.on('message', (order: Order) => {
  if (order.kind === 'die') doom = { checkpoint: order.checkpoint, passingsLeft: order.passing }
  else if (order.kind === 'tell') console.error('passed so far:', Object.fromEntries(passings))
  else void start(order)
})
process.on('disconnect', () => process.exit(0))
process.on('SIGTERM', () => void app?.stop(STOP_TIMEOUT_MS).then(() => process.exit(0)))
// A process that is killed writes no compile cache at its exit; the next one starts twice as fast with it.
flushCompileCache()
report({ kind: 'ready' })

async function start(order: Extract<Order, { kind: 'start' }>): Promise<void> {
  app = createApp({
    database: order.database,
    redis: order.redis,
    accounts: accountsOf(order),
    ...(order.asking === undefined ? {} : { asking: order.asking }),
    internalKeys: order.internalKey === undefined ? [] : [order.internalKey],
    ...(order.realtime === undefined ? {} : { realtime: order.realtime }),
    ...(order.dispatch === undefined ? {} : { dispatchRules: rulesOf(order.dispatch) }),
    callbacks: true,
    workerConcurrency: 4,
    maxAttempts: 12,
    log: createLogger({ level: 'warn' }),
    sweep: { intervalMs: 150, nextLookSeconds: 1 },
  })
  const port = await app.listen(0, '127.0.0.1')
  app.work()
  report({ kind: 'listening', port })
}

function rulesOf({
  zones,
  settings,
}: NonNullable<Extract<Order, { kind: 'start' }>['dispatch']>): DispatchRules {
  return { settingsOf: (zone) => (zone?.startsWith(zones) ? settings : DEFAULT_SETTINGS) }
}

function accountsOf({
  secrets,
  settings = {},
}: Extract<Order, { kind: 'start' }>): ReadonlyMap<string, ReadonlyMap<string, GatewayAccount>> {
  return new Map(
    Object.entries(secrets).map(([gateway, secret]) => [
      gateway,
      new Map([
        ['default', { gateway, account: 'default', secrets: [secret], settings: settings[gateway] ?? {} }],
      ]),
    ]),
  )
}

function report(what: Report): void {
  process.send?.(what)
}
