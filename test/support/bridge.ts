import { randomBytes } from 'node:crypto'
import { expect, vi } from 'vitest'
import { openRedis, type Redis, type RedisAddress } from '../../db/redis.ts'
import type { BridgeOptions } from '../../src/laravel/bridge.ts'
import { openApp, type TestApp } from './app.ts'
import type { TestDatabase } from './database.ts'

export type Outcomes = Record<string, number>

/** Several services that hear the same channels, and Laravel's publisher. Every message has one outcome in each of them. */
export interface BridgeRun {
  readonly apps: readonly TestApp[]
  readonly prefix: string
  readonly redis: Redis
  /** Publishes; resolves when every service has done with it. Returns what came of it, over all of them. */
  say(channel: string, message: unknown): Promise<Outcomes>
  /** What came of all messages of a channel so far. */
  outcomes(channel: string): Promise<Outcomes>
  /** Every log line of all services. */
  lines(): string[]
  stop(): Promise<void>
}

export interface BridgeRunOptions extends Partial<BridgeOptions> {
  readonly services?: number
  readonly redis?: RedisAddress
}

export async function openBridgeRun(
  database: Pick<TestDatabase, 'address' | 'redis'>,
  { services = 2, redis = database.redis, ...bridge }: BridgeRunOptions = {},
): Promise<BridgeRun> {
  const prefix = bridge.prefix ?? `t_${randomBytes(4).toString('hex')}_`
  const options = { currency: 'EGP', ...bridge, prefix }
  const apps: TestApp[] = []
  for (let n = 0; n < services; n += 1) apps.push(await openApp({ ...database, redis }, { bridge: options }))
  await allListen(apps)
  const client = openRedis(redis, 'worker', () => undefined)
  const outcomes = async (channel: string): Promise<Outcomes> => {
    const total: Outcomes = {}
    for (const app of apps) {
      for (const line of await app.metrics('onceline_bridge_messages_total')) {
        const [, name, outcome = '', count] = /channel="(.+)",outcome="(.+)"} (\d+)/.exec(line) ?? []
        if (name === channel) total[outcome] = (total[outcome] ?? 0) + Number(count)
      }
    }
    return total
  }
  return {
    apps,
    prefix,
    redis: client,
    outcomes,
    say: async (channel, message) => {
      const before = await outcomes(channel)
      await client.publish(prefix + channel, typeof message === 'string' ? message : JSON.stringify(message))
      const since = async () => difference(before, await outcomes(channel))
      await expect.poll(async () => sum(await since()), { timeout: 15_000 }).toBe(apps.length)
      return since()
    },
    lines: () => apps.flatMap(({ lines }) => lines),
    stop: async () => {
      client.disconnect()
      await Promise.all(apps.map((app) => app.stop()))
    },
  }
}

/** Resolves when each of them is subscribed. */
export async function allListen(apps: readonly TestApp[]): Promise<void> {
  const areListening = async (): Promise<void> => {
    for (const app of apps)
      expect(await app.metrics('onceline_bridge_listening')).toEqual(['onceline_bridge_listening 1'])
  }
  await vi.waitFor(areListening, { timeout: 15_000 })
}

function difference(before: Outcomes, after: Outcomes): Outcomes {
  const grown = Object.entries(after).map(
    ([outcome, count]) => [outcome, count - (before[outcome] ?? 0)] as const,
  )
  return Object.fromEntries(grown.filter(([, count]) => count > 0))
}

function sum(outcomes: Outcomes): number {
  return Object.values(outcomes).reduce((total, count) => total + count, 0)
}
