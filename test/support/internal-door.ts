import { randomUUID } from 'node:crypto'
import type { HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import { Registry } from 'prom-client'
import { inject } from 'vitest'
import { AddressRanges } from '../../src/base/addresses.ts'
import { manualClock } from '../../src/base/clock.ts'
import { createLogger } from '../../src/base/log.ts'
import { createSampler } from '../../src/base/sampler.ts'
import { createHttpApp, createHttpServer, listen, stopListening } from '../../src/http.ts'
import { createAccessMetrics } from '../../src/laravel/metrics.ts'
import { type InternalEnv, internalAccess } from '../../src/laravel/middleware.ts'
import { limited } from '../../src/limits/middleware.ts'
import type { LimitRules } from '../../src/limits/rules.ts'
import { connected, openLimits } from './limits.ts'

/** The internal API's door before three routes that say what they were told. */
export interface InternalDoor {
  readonly url: string
  /** As they were written: this logger knows of no secret and withholds none. */
  readonly lines: string[]
  ask(path: string, headers?: Readonly<Record<string, string>>): Promise<Response>
  metrics(start: string): Promise<string[]>
  close(): Promise<void>
}

export interface InternalDoorOptions {
  readonly keys: readonly string[]
  readonly allowed?: readonly string[]
  readonly trustedProxies?: readonly string[]
  readonly rules?: Partial<LimitRules>
}

export async function openInternalDoor(options: InternalDoorOptions): Promise<InternalDoor> {
  const { keys, allowed, trustedProxies = [], rules = {} } = options
  const { redis } = inject('servers')
  const limits = openLimits({ redis, rules, installation: randomUUID(), patient: true })
  await connected(limits.redis)
  const registry = new Registry()
  const lines: string[] = []
  const log = createLogger({ level: 'debug', destination: { write: (line) => void lines.push(line) } })
  const door = internalAccess({
    rules: {
      keys,
      allowed: allowed === undefined ? null : new AddressRanges(allowed),
      trustedProxies: new AddressRanges(trustedProxies),
    },
    limits: limits.limits,
    metrics: createAccessMetrics(registry),
    log,
    // The clock stands still, so three lines are all that there will be.
    refusals: createSampler({ perSecond: 1, burst: 3, clock: manualClock(0) }),
  })
  const routes = new Hono<InternalEnv>()
  routes.use('/internal/*', ...door)
  routes.get('/internal/whoami', (context) => context.json({ caller: context.get('apiCaller') }))
  routes.get('/internal/broken', () => {
    throw new Error('broken')
  })
  routes.get(
    '/internal/trips',
    limited<InternalEnv>({ limits: limits.limits, class: 'trip-create', caller: () => 'customer-1' }),
    (context) => context.json({}),
  )
  const whole = new Hono<{ Bindings: HttpBindings }>().route('/', routes)
  const server = createHttpServer(createHttpApp([whole], log))
  const url = `http://127.0.0.1:${await listen(server, 0, '127.0.0.1')}`
  return {
    url,
    lines,
    ask: (path, headers = {}) => fetch(url + path, { headers }),
    metrics: async (start) => (await registry.metrics()).split('\n').filter((line) => line.startsWith(start)),
    close: async () => {
      await stopListening(server, 1_000)
      limits.close()
    },
  }
}
