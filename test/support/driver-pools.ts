import { Registry } from 'prom-client'
import { vi } from 'vitest'
import { openCommandPool } from '../../db/pools.ts'
import { openRedis, type RedisAddress } from '../../db/redis.ts'
import { createLogger } from '../../src/base/log.ts'
import { DriverPool } from '../../src/matching/drivers/driver-pool.ts'
import type { NearbyQuery, Position } from '../../src/matching/drivers/nearby.ts'
import { createPoolMetrics } from '../../src/matching/drivers/pool-metrics.ts'
import type { PoolTempo } from '../../src/matching/drivers/pool-tempo.ts'
import type { TestDatabase } from './database.ts'

/** Cairo. */
export const CENTER: Position = { latitude: 30.0444, longitude: 31.2357 }
export const WORK = { zoneId: 'zone-1', category: 'economy' } as const

/** So many metres to the north of the centre, and to the east. */
export function at(north: number, east = 0): Position {
  return { latitude: CENTER.latitude + north / 111_195, longitude: CENTER.longitude + east / 96_260 }
}

/** Some times a tenth of the real ones; and who was said to work is believed to, so that he needs no rows. */
export const FAST: PoolTempo = {
  bucketMs: 500,
  flushMs: 50,
  againMs: 300,
  staleMs: 1_000,
  storeMs: 200,
  rideMs: 60_000,
  standingMs: 60_000,
  turnMs: 50,
}

export function near(query: Partial<NearbyQuery> = {}): NearbyQuery {
  return {
    zoneIds: [WORK.zoneId],
    category: WORK.category,
    center: CENTER,
    radiiMeters: [1_000, 5_000],
    limit: 10,
    ...query,
  }
}

export interface TestPool {
  readonly pool: DriverPool
  readonly registry: Registry
  /** The ids that a search finds, the nearest first. */
  found(query?: Partial<NearbyQuery>): Promise<string[]>
  /** As if the process had died: nothing is taken back. */
  kill(): void
  close(): Promise<void>
}

/** What one process has; Redis answers it. */
export async function openTestPool(
  database: Pick<TestDatabase, 'address'>,
  redis: RedisAddress,
  options: { tempo?: Partial<PoolTempo>; installation?: string; maxDrivers?: number; starts?: boolean } = {},
): Promise<TestPool> {
  const { installation = database.address.database, maxDrivers, starts = true } = options
  const writes = openRedis(redis, 'publish', () => undefined)
  const reads = openRedis(redis, 'limits', () => undefined)
  const mysql = openCommandPool(database.address, 3)
  const registry = new Registry()
  const pool = new DriverPool({
    writes,
    reads,
    pool: mysql,
    installation,
    metrics: createPoolMetrics(registry),
    log: createLogger({ level: 'error' }),
    tempo: { ...FAST, ...options.tempo },
    ...(maxDrivers === undefined ? {} : { maxDrivers }),
  })
  await Promise.all([writes, reads].map((one) => vi.waitUntil(() => one.status === 'ready')))
  if (starts) pool.start()
  const kill = () => {
    writes.disconnect()
    reads.disconnect()
  }
  return {
    pool,
    registry,
    found: async (query) => (await pool.search(near(query))).map(({ driverId }) => driverId),
    kill,
    close: async () => {
      await pool.stop(2_000)
      kill()
      await mysql.end()
    },
  }
}
