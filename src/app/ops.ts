import type { Registry } from 'prom-client'
import { readiness } from '../ops/health.ts'
import { opsRoutes } from '../ops/routes.ts'
import type { AppOptions } from './options.ts'
import type { Resources } from './resources.ts'

/** Health, readiness and metrics. */
export function assembleOps(options: AppOptions, resources: Resources, registry: Registry, version: string) {
  return opsRoutes({
    readiness: () =>
      readiness({
        pool: resources.database.commands,
        redis: resources.control,
        isDraining: () => resources.isDraining,
      }),
    metricsText: () => (options.metricsText ?? ((own) => own.metrics()))(registry),
    internalKeys: options.internalKeys,
    metricsNeedKey: options.metricsNeedKey ?? false,
    version,
  })
}
