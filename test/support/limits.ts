import { Registry } from 'prom-client'
import { openRedis, type Redis, type RedisAddress } from '../../db/redis.ts'
import type { Clock } from '../../src/base/clock.ts'
import { createLogger } from '../../src/base/log.ts'
import { Limits } from '../../src/limits/limits.ts'
import { createLimitMetrics } from '../../src/limits/metrics.ts'
import { type LimitRules, NO_LIMITS } from '../../src/limits/rules.ts'

/** Limits as a process has them, with all that they say. */
export interface OpenLimits {
  readonly limits: Limits
  readonly redis: Redis
  readonly lines: string[]
  /** `internal-api limited redis` → how often. */
  decisions(): Promise<Record<string, number>>
  close(): void
}

export interface OpenLimitsOptions {
  readonly redis: RedisAddress
  readonly rules: Partial<LimitRules>
  readonly installation: string
  readonly clock?: Clock
  /** True: waits for Redis however long it takes, so that a busy machine changes no count. */
  readonly patient?: boolean
}

export function openLimits({ redis: address, rules, patient, ...options }: OpenLimitsOptions): OpenLimits {
  const redis = openRedis(address, patient === true ? 'worker' : 'limits', () => undefined)
  const registry = new Registry()
  const lines: string[] = []
  const limits = new Limits({
    redis,
    rules: { ...NO_LIMITS, ...rules },
    metrics: createLimitMetrics(registry),
    log: createLogger({ level: 'debug', destination: { write: (line) => void lines.push(line) } }),
    ...options,
  })
  return {
    limits,
    redis,
    lines,
    decisions: async () => {
      const text = await registry.metrics()
      const found = text.matchAll(/_decisions_total\{class="(.+?)",decision="(.+?)",by="(.+?)"\} (\d+)/g)
      return Object.fromEntries(
        [...found].map(([, name, decision, by, count]) => [`${name} ${decision} ${by}`, Number(count)]),
      )
    },
    close: () => redis.disconnect(),
  }
}

/** Resolves when the client has logged in, so that the next command reaches Redis. */
export async function connected(redis: Redis): Promise<void> {
  if (redis.status === 'ready') return
  await new Promise((resolve) => redis.once('ready', resolve))
}

/** A field of draft-ietf-httpapi-ratelimit-headers, read strictly: name of a policy → its parameters. Throws on anything else. */
export function readLimitField(field: string | null): Record<string, Record<string, number>> {
  if (field === null) throw new Error('there is no such field')
  const items = field.split(', ').map((item) => {
    const [, name, parameters] = /^"([a-z-]+)"((?:;[a-z]+=\d{1,15})+)$/.exec(item) ?? []
    if (name === undefined || parameters === undefined) throw new Error(`no structured field: ${field}`)
    const pairs = parameters
      .slice(1)
      .split(';')
      .map((pair) => pair.split('='))
    return [name, Object.fromEntries(pairs.map(([key, value]) => [key, Number(value)]))]
  })
  return Object.fromEntries(items)
}
