import type { Registry } from 'prom-client'
import { AddressRanges } from '../base/addresses.ts'
import { systemClock } from '../base/clock.ts'
import { createSampler } from '../base/sampler.ts'
import type { Limits } from '../limits/limits.ts'
import { createRealtimeMetrics } from '../realtime/metrics.ts'
import { originRule } from '../realtime/origins.ts'
import { ticketRoutes } from '../realtime/ticket-routes.ts'
import { tokenRules } from '../realtime/token.ts'
import type { AppOptions } from './options.ts'
import { LOG_LINES, type Resources } from './resources.ts'

/** What apps of riders and drivers reach, for now: tickets. */
export function assembleRealtime(
  options: AppOptions,
  resources: Resources,
  limits: Limits,
  registry: Registry,
) {
  const { log, clock = systemClock, realtime, internalApi } = options
  const metrics = createRealtimeMetrics(registry)
  return ticketRoutes({
    tokens: tokenRules(realtime?.jwtSecrets ?? [], clock),
    desk: {
      redis: resources.limits,
      installation: options.database.database,
      clock,
      metrics,
      onRedisError: resources.onRedisError,
    },
    allowsOrigin: originRule(realtime?.allowedOrigins ?? []),
    trustedProxies: new AddressRanges(internalApi?.trustedProxies ?? []),
    limits,
    metrics,
    log,
    refusals: createSampler({ ...LOG_LINES, clock }),
  })
}
