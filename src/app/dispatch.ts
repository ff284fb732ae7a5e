import type { Registry } from 'prom-client'
import { watch } from '../../db/watch.ts'
import { readDispatchBacklog } from '../matching/dispatch/backlog.ts'
import { DecisionPruner } from '../matching/dispatch/decision-pruner.ts'
import { createDispatchMetrics } from '../matching/dispatch/metrics.ts'
import { DEFAULT_RULES, type DispatchRules } from '../matching/dispatch/settings.ts'
import type { AppOptions } from './options.ts'
import type { Resources } from './resources.ts'

/** What finds drivers for trips. */
export interface Dispatch {
  readonly rules: DispatchRules
  /** Looks at these trips at once. Never throws. */
  readonly wake: (tripIds: readonly string[]) => void
  start(): void
  /** Ends after the turns in hand, for which it waits at most `timeoutMs`. Never throws. */
  stop(timeoutMs: number): Promise<void>
}

export function openDispatch(options: AppOptions, { database }: Resources, registry: Registry): Dispatch {
  const metrics = createDispatchMetrics(registry)
  const pruner = new DecisionPruner({ pool: database.workers, log: options.log })
  const timer = watch(database.commands, 'waiting trips', readDispatchBacklog, metrics.backlog)
  return {
    rules: options.dispatchRules ?? DEFAULT_RULES,
    wake: () => undefined,
    start: () => pruner.start(),
    stop: async (timeoutMs) => {
      clearInterval(timer)
      await pruner.stop(timeoutMs)
    },
  }
}
