import type { Registry } from 'prom-client'
import { AddressRanges } from '../base/addresses.ts'
import { systemClock } from '../base/clock.ts'
import { createSampler } from '../base/sampler.ts'
import { createIdempotencyMetrics } from '../idempotency/metrics.ts'
import { Once } from '../idempotency/once.ts'
import { createAccessMetrics } from '../laravel/metrics.ts'
import { paymentRoutes } from '../laravel/payment-routes.ts'
import { internalRoutes } from '../laravel/routes.ts'
import type { Limits } from '../limits/limits.ts'
import { wakeParked } from '../webhooks/park.ts'
import type { AppOptions } from './options.ts'
import { LOG_LINES, type Resources } from './resources.ts'
import type { Webhooks } from './webhooks.ts'

interface Pieces {
  readonly resources: Resources
  readonly limits: Limits
  readonly webhooks: Webhooks
}

/** The internal API behind its door. */
export function assembleInternalApi(
  options: AppOptions,
  { resources, limits, webhooks }: Pieces,
  registry: Registry,
) {
  const { log, clock = systemClock, internalApi } = options
  const allowedCidrs = internalApi?.allowedCidrs ?? null
  const pool = resources.database.commands
  const payments = paymentRoutes({
    pool,
    once: new Once({ pool }),
    log,
    metrics: createIdempotencyMetrics(registry),
    knowsAccount: (gateway, account) => options.accounts.get(gateway)?.has(account) === true,
    wake: async (refKeys) => {
      const woken = await wakeParked(pool, refKeys)
      if (woken.length > 0) webhooks.ring(woken)
    },
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
  return internalRoutes(access, [payments])
}
