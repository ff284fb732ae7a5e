import type { Registry } from 'prom-client'
import { openRedis } from '../../db/redis.ts'
import { systemClock } from '../base/clock.ts'
import { createFeedMetrics } from '../feed/metrics.ts'
import { feedPruner } from '../feed/pruner.ts'
import { Publisher } from '../feed/publish.ts'
import type { AppOptions } from './options.ts'
import type { Resources } from './resources.ts'

/** Whatever tells users, and who forgets what they were told. */
export interface Feed {
  readonly publisher: Publisher
  readonly pruner: ReturnType<typeof feedPruner>
  /** What was published before is still sent. */
  close(): void
}

/** Opens a connection for publishing alone; it connects in the background. */
export function openFeed(
  options: AppOptions,
  { database, onRedisError }: Resources,
  registry: Registry,
): Feed {
  const metrics = createFeedMetrics(registry)
  const redis = openRedis(options.redis, 'publish', onRedisError)
  return {
    publisher: new Publisher({
      redis,
      installation: options.database.database,
      onPublished: metrics.published,
      onError: (error, unpublished) => {
        metrics.unpublished(unpublished)
        onRedisError(error)
      },
      clock: options.clock ?? systemClock,
    }),
    pruner: feedPruner({ pool: database.workers, log: options.log }),
    close: () => redis.disconnect(),
  }
}
