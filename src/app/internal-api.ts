import type { Registry } from 'prom-client'
import { AddressRanges } from '../base/addresses.ts'
import { systemClock } from '../base/clock.ts'
import { createSampler } from '../base/sampler.ts'
import { createIdempotencyMetrics } from '../idempotency/metrics.ts'
import { Once } from '../idempotency/once.ts'
import { bidRoutes } from '../laravel/bid-routes.ts'
import type { Callbacks } from '../laravel/callbacks.ts'
import { createAccessMetrics } from '../laravel/metrics.ts'
import { notifyRoutes } from '../laravel/notify-routes.ts'
import { paymentRoutes } from '../laravel/payment-routes.ts'
import { internalRoutes } from '../laravel/routes.ts'
import { type TripRoutesOptions, tripRoutes } from '../laravel/trip-routes.ts'
import type { Limits } from '../limits/limits.ts'
import type { Dispatch } from './dispatch.ts'
import type { Feed } from './feed.ts'
import type { AppOptions } from './options.ts'
import { LOG_LINES, type Resources } from './resources.ts'
import type { Webhooks } from './webhooks.ts'

interface Pieces {
  readonly resources: Resources
  readonly limits: Limits
  readonly webhooks: Webhooks
  readonly feed: Feed
  readonly callbacks: Callbacks | null
  readonly dispatch: Dispatch
}

/** The internal API behind its door. */
export function assembleInternalApi(
  options: AppOptions,
  { resources, limits, webhooks, feed, callbacks, dispatch }: Pieces,
  registry: Registry,
) {
  const { log, clock = systemClock, internalApi } = options
  const allowedCidrs = internalApi?.allowedCidrs ?? null
  const pool = resources.database.commands
  const once = new Once({ pool })
  const metrics = createIdempotencyMetrics(registry)
  const payments = paymentRoutes({
    pool,
    once,
    log,
    metrics,
    knowsAccount: (gateway, account) => options.accounts.get(gateway)?.has(account) === true,
    wake: webhooks.wake,
  })
  const access = {
    rules: {
      keys: options.internalKeys,
      allowed: allowedCidrs === null ? null : new AddressRanges(allowedCidrs),
      trustedProxies: new AddressRanges(internalApi?.trustedProxies ?? []),
    },
    limits,
    metrics: createAccessMetrics(registry),
    log,
    refusals: createSampler({ ...LOG_LINES, clock }),
  }
  const notify = notifyRoutes({ once, publisher: feed.publisher, metrics })
  const tripOptions: TripRoutesOptions = {
    pool,
    once,
    metrics,
    callbacks: options.callbacks,
    ring: (ids) => callbacks?.ring(ids),
    publish: (messages) => feed.publisher.publish(messages),
    ...dispatch,
  }
  return internalRoutes(access, [payments, tripRoutes(tripOptions), bidRoutes(tripOptions), notify])
}
