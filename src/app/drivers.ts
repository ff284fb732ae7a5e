import type { Registry } from 'prom-client'
import { openRedis } from '../../db/redis.ts'
import { systemClock } from '../base/clock.ts'
import { DEFAULT_RULES } from '../matching/dispatch/settings.ts'
import { DriverPool } from '../matching/drivers/driver-pool.ts'
import type { Workplace } from '../matching/drivers/geo-index.ts'
import { createPoolMetrics } from '../matching/drivers/pool-metrics.ts'
import { RideTracker } from '../matching/drivers/ride-tracker.ts'
import { type RouteEstimator, straightLine } from '../matching/drivers/route-estimate.ts'
import type { Feed } from './feed.ts'
import type { AppOptions } from './options.ts'
import type { Resources } from './resources.ts'

/** Who may be asked for a ride, where he is, and how far he has to go. */
export interface Drivers {
  readonly pool: DriverPool
  readonly tracker: RideTracker
  readonly estimate: RouteEstimator
  start(): void
  /** Ends within `timeoutMs`. Never throws. */
  stop(timeoutMs: number): Promise<void>
}

interface DriverPieces {
  readonly resources: Resources
  readonly feed: Feed
  /** Somebody has become free. */
  readonly onFree: (workplace: Workplace) => void
}

/** Opens a connection for what is written to the index, so that no search waits behind it. */
export function openDrivers(
  options: AppOptions,
  { resources, feed, onFree }: DriverPieces,
  registry: Registry,
): Drivers {
  const { log, database, redis, clock = systemClock, routeEstimator = straightLine } = options
  const writes = openRedis(redis, 'publish', resources.onRedisError)
  const tempo = options.realtime?.tempo?.drivers
  const tracker = new RideTracker({
    publish: feed.publisher.publish.bind(feed.publisher),
    estimate: routeEstimator,
    rules: options.dispatchRules ?? DEFAULT_RULES,
    clock,
  })
  const pool = new DriverPool({
    writes,
    reads: resources.limits,
    pool: resources.database.drivers,
    installation: database.database,
    metrics: createPoolMetrics(registry),
    onFree,
    onRide: (tracked) => tracker.tell(tracked),
    log,
    clock,
    ...(tempo && { tempo }),
  })
  return {
    pool,
    tracker,
    estimate: routeEstimator,
    start: () => pool.start(),
    stop: async (timeoutMs) => {
      await pool.stop(timeoutMs)
      writes.disconnect()
    },
  }
}
