import { randomUUID } from 'node:crypto'
import { Registry } from 'prom-client'
import { inject } from 'vitest'
import { openRedis, type Redis, type RedisAddress } from '../../db/redis.ts'
import { AddressRanges } from '../../src/base/addresses.ts'
import { type Clock, manualClock, systemClock } from '../../src/base/clock.ts'
import { createLogger } from '../../src/base/log.ts'
import { createSampler } from '../../src/base/sampler.ts'
import { createHttpApp, createHttpServer, listen, stopListening } from '../../src/http.ts'
import type { LimitRules } from '../../src/limits/rules.ts'
import { originRule } from '../../src/realtime/door/origins.ts'
import { TICKETS_PATH, ticketRoutes } from '../../src/realtime/door/ticket-routes.ts'
import type { TicketDesk } from '../../src/realtime/door/tickets.ts'
import { tokenRules } from '../../src/realtime/door/token.ts'
import { createRealtimeMetrics } from '../../src/realtime/metrics.ts'
import { connected, openLimits } from './limits.ts'

/** A desk of tickets on a connection of its own. */
export interface OpenDesk {
  readonly desk: TicketDesk
  readonly redis: Redis
  readonly errors: Error[]
  metrics(start: string): Promise<string[]>
  close(): void
}

export interface DeskOptions {
  readonly redis: RedisAddress
  readonly installation?: string
  readonly clock?: Clock
  /** False: as the service has it; by default it waits for Redis however long it takes. */
  readonly patient?: boolean
}

export async function openDesk(options: DeskOptions): Promise<OpenDesk> {
  const { redis: address, installation = randomUUID(), clock = systemClock, patient = true } = options
  const errors: Error[] = []
  const onRedisError = (error: Error): void => void errors.push(error)
  const redis = openRedis(address, patient ? 'worker' : 'limits', () => undefined)
  await connected(redis)
  const registry = new Registry()
  return {
    desk: { redis, installation, clock, metrics: createRealtimeMetrics(registry), onRedisError },
    redis,
    errors,
    metrics: async (start) => (await registry.metrics()).split('\n').filter((line) => line.startsWith(start)),
    close: () => redis.disconnect(),
  }
}

/** The route on a server of its own, which counts in Redis however busy the machine is. */
export interface TicketDoor extends OpenDesk {
  readonly url: string
  /** As they were written: this logger knows of no secret. */
  readonly lines: string[]
  ask(headers?: Readonly<Record<string, string>>, method?: string): Promise<Response>
  stop(): Promise<void>
}

export interface TicketDoorOptions {
  readonly secrets: readonly string[]
  readonly origins?: readonly string[]
  readonly trustedProxies?: readonly string[]
  readonly rules?: Partial<LimitRules>
  readonly clock?: Clock
}

export async function openTicketDoor(options: TicketDoorOptions): Promise<TicketDoor> {
  const { secrets, origins = [], trustedProxies = [], rules = {}, clock = systemClock } = options
  const { redis } = inject('servers')
  const open = await openDesk({ redis, clock })
  const limits = openLimits({ redis, rules, installation: open.desk.installation, patient: true })
  await connected(limits.redis)
  const registry = new Registry()
  const lines: string[] = []
  const log = createLogger({ level: 'debug', destination: { write: (line) => void lines.push(line) } })
  const routes = ticketRoutes({
    tokens: tokenRules(secrets, clock),
    desk: open.desk,
    allowsOrigin: originRule(origins),
    trustedProxies: new AddressRanges(trustedProxies),
    limits: limits.limits,
    metrics: createRealtimeMetrics(registry),
    log,
    // The clock stands still, so five lines are all that there will be.
    refusals: createSampler({ perSecond: 1, burst: 5, clock: manualClock(0) }),
  })
  const server = createHttpServer(createHttpApp([routes], log))
  const url = `http://127.0.0.1:${await listen(server, 0, '127.0.0.1')}`
  return {
    ...open,
    url,
    lines,
    ask: (headers = {}, method = 'POST') => fetch(url + TICKETS_PATH, { method, headers }),
    metrics: async (start) => (await registry.metrics()).split('\n').filter((line) => line.startsWith(start)),
    stop: async () => {
      await stopListening(server, 1_000)
      limits.close()
      open.close()
    },
  }
}
