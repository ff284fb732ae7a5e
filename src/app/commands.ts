import type { Registry } from 'prom-client'
import { systemClock } from '../base/clock.ts'
import { createSampler } from '../base/sampler.ts'
import { Once } from '../idempotency/once.ts'
import type { Callbacks } from '../laravel/callbacks.ts'
import type { Limits } from '../limits/limits.ts'
import { bidCommands } from '../realtime/commands/bid-commands.ts'
import { createCommandMetrics } from '../realtime/commands/command-metrics.ts'
import { Commands } from '../realtime/commands/commands.ts'
import { DriverLocations } from '../realtime/commands/driver-location.ts'
import { dutyCommands } from '../realtime/commands/duty-commands.ts'
import { offerCommands } from '../realtime/commands/offer-commands.ts'
import { rideRequestCommands } from '../realtime/commands/ride-request.ts'
import { rideWatchCommands } from '../realtime/commands/ride-watch.ts'
import { sessionCommands } from '../realtime/commands/session-commands.ts'
import { tripCommands } from '../realtime/commands/trip-commands.ts'
import { tokenRules } from '../realtime/door/token.ts'
import type { RealtimeMetrics } from '../realtime/metrics.ts'
import type { Dispatch } from './dispatch.ts'
import type { Drivers } from './drivers.ts'
import type { Feed } from './feed.ts'
import type { AppOptions } from './options.ts'
import { LOG_LINES, type Resources } from './resources.ts'

export interface CommandPieces {
  readonly resources: Resources
  readonly limits: Limits
  readonly feed: Feed
  readonly callbacks: Callbacks | null
  readonly dispatch: Dispatch
  readonly drivers: Drivers
}

/** Everything that clients may send. */
export function assembleCommands(
  options: AppOptions,
  { resources, limits, feed, callbacks, dispatch, drivers }: CommandPieces,
  metrics: RealtimeMetrics,
  registry: Registry,
): Commands {
  const { log, clock = systemClock, realtime } = options
  const pool = resources.database.commands
  const publish = feed.publisher.publish.bind(feed.publisher)
  const rides = { callbacks: options.callbacks, rules: dispatch.rules }
  const tokens = tokenRules(realtime?.jwtSecrets ?? [], clock)
  const locations = new DriverLocations({ drivers: drivers.pool, clock })
  return new Commands({
    once: new Once({ pool }),
    callbacks: options.callbacks,
    ring: (ids) => callbacks?.ring(ids),
    publish,
    ...dispatch,
    limits,
    metrics: createCommandMetrics(registry),
    log,
    defects: createSampler({ ...LOG_LINES, clock }),
    clock,
    onDriverActed: (driverId) => drivers.pool.look([driverId]),
    locations,
    handlers: {
      ...sessionCommands({ tokens, metrics, clock }),
      ...rideWatchCommands(pool, drivers.tracker),
      ...locations.handlers,
      ...offerCommands(),
      ...dutyCommands(),
      ...tripCommands(rides),
      ...bidCommands(rides),
      ...rideRequestCommands(rides),
    },
  })
}
