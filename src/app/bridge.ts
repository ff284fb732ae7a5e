import type { Registry } from 'prom-client'
import { systemClock } from '../base/clock.ts'
import { Bridge } from '../laravel/bridge.ts'
import type { Callbacks } from '../laravel/callbacks.ts'
import type { Dispatch } from './dispatch.ts'
import type { Feed } from './feed.ts'
import type { AppOptions } from './options.ts'
import type { Resources } from './resources.ts'

interface Pieces {
  readonly resources: Resources
  readonly callbacks: Callbacks | null
  readonly feed: Feed
  readonly dispatch: Dispatch
}

/** Null where Laravel's channels are not listened to. */
export function openBridge(
  { bridge, redis, log, clock = systemClock }: AppOptions,
  { resources, callbacks, feed, dispatch }: Pieces,
  registry: Registry,
): Bridge | null {
  if (!bridge) return null
  return new Bridge({
    ...bridge,
    redis,
    pool: resources.database.bridge,
    registry,
    log,
    clock,
    ring: (ids) => callbacks?.ring(ids),
    publish: (pushes) => feed.publisher.publish(pushes),
    rules: dispatch.rules,
    wake: dispatch.wake,
  })
}
