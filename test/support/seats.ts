import { randomUUID } from 'node:crypto'
import { Registry } from 'prom-client'
import { openRedis, type Redis, type RedisAddress } from '../../db/redis.ts'
import type { Clock } from '../../src/base/clock.ts'
import { createLogger } from '../../src/base/log.ts'
import { createSeatMetrics } from '../../src/realtime/door/seat-metrics.ts'
import { type SeatRules, Seats, type SeatVerdict } from '../../src/realtime/door/seats.ts'
import type { TokenUser, UserType } from '../../src/realtime/door/token.ts'

/** One process's seats, with all that they say. */
export interface OpenSeats {
  readonly seats: Seats
  readonly redis: Redis
  readonly nodeId: string
  readonly lines: string[]
  /** `taken redis` → how often. */
  decisions(): Promise<Record<string, number>>
  /** So many takes of a rider, one after the other. */
  takes(userId: string, network: string | null, count: number): Promise<SeatVerdict[]>
  close(): void
}

export interface OpenSeatsOptions {
  readonly redis: RedisAddress
  readonly installation: string
  /** The processes that live; one that opens adds itself. */
  readonly live: string[]
  readonly rules?: Partial<SeatRules>
  readonly clock?: Clock
  /** A new one by default. */
  readonly nodeId?: string
  /** Instead of `live`. */
  readonly liveNodes?: () => readonly string[]
  /** True: waits for Redis however long it takes, so that a busy machine changes no count. */
  readonly patient?: boolean
}

export function openSeats({
  redis: address,
  patient,
  live,
  rules,
  nodeId = randomUUID(),
  ...options
}: OpenSeatsOptions): OpenSeats {
  const redis = openRedis(address, patient === true ? 'worker' : 'limits', () => undefined)
  const registry = new Registry()
  const lines: string[] = []
  live.push(nodeId)
  const seats = new Seats({
    redis,
    rules: { perUser: 3, perNetwork: 5, ...rules },
    nodeId,
    liveNodes: () => live,
    metrics: createSeatMetrics(registry),
    log: createLogger({ level: 'info', destination: { write: (line) => void lines.push(line) } }),
    ...options,
  })
  return {
    seats,
    redis,
    nodeId,
    lines,
    decisions: async () => {
      const found = (await registry.metrics()).matchAll(/_total\{verdict="(.+?)",by="(.+?)"\} (\d+)/g)
      return Object.fromEntries(
        [...found].map(([, verdict, by, count]) => [`${verdict} ${by}`, Number(count)]),
      )
    },
    takes: async (userId, network, count) => {
      const verdicts: SeatVerdict[] = []
      for (let taken = 0; taken < count; taken += 1) verdicts.push(await seats.take(userOf(userId), network))
      return verdicts
    },
    close: () => redis.disconnect(),
  }
}

export function userOf(userId: string, userType: UserType = 'customer'): TokenUser {
  return { userId, userType, expiresAtMs: Number.MAX_SAFE_INTEGER }
}
