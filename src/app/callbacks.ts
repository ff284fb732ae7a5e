import type { Registry } from 'prom-client'
import { systemClock } from '../base/clock.ts'
import { Callbacks } from '../laravel/callbacks.ts'
import type { Feed } from './feed.ts'
import type { AppOptions } from './options.ts'
import type { Resources } from './resources.ts'

const DEFAULT_CONCURRENCY = 16

/** Null where no LARAVEL_API_URL is configured. */
export function openCallbacks(
  options: AppOptions,
  { resources, feed }: { readonly resources: Resources; readonly feed: Feed },
  registry: Registry,
): Callbacks | null {
  const { laravel, redis, log, callbackTempo } = options
  if (!laravel) return null
  return new Callbacks({
    target: laravel,
    pool: resources.database.callbacks,
    redis,
    installation: options.database.database,
    registry,
    log,
    clock: options.clock ?? systemClock,
    publish: (pushes) => feed.publisher.publish(pushes),
    onRedisError: resources.onRedisError,
    concurrency: options.callbackConcurrency ?? DEFAULT_CONCURRENCY,
    ...(callbackTempo === undefined ? {} : { tempo: callbackTempo }),
  })
}
