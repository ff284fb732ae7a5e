import type { Registry } from 'prom-client'
import { watch } from '../../db/watch.ts'
import { createSampler } from '../base/sampler.ts'
import type { Callbacks } from '../laravel/callbacks.ts'
import { readDispatchBacklog } from '../matching/dispatch/backlog.ts'
import { Dispatcher } from '../matching/dispatch/dispatcher.ts'
import { createDispatchMetrics, type DispatchMetrics } from '../matching/dispatch/metrics.ts'
import type { AssignmentWorker } from '../matching/dispatch/policies/assignment-worker.ts'
import { Decider } from '../matching/dispatch/policies/decide.ts'
import { DEFAULT_RULES } from '../matching/dispatch/settings.ts'
import type { Workplace } from '../matching/drivers/geo-index.ts'
import type { Performer } from '../matching/trips/perform.ts'
import { historyPruner } from '../matching/upkeep/history-pruner.ts'
import { createUpkeepMetrics } from '../matching/upkeep/metrics.ts'
import { Reconciler } from '../matching/upkeep/reconciler.ts'
import { connectedAmong } from '../realtime/presence/presence-store.ts'
import type { Drivers } from './drivers.ts'
import type { Feed } from './feed.ts'
import type { AppOptions } from './options.ts'
import type { Resources } from './resources.ts'

interface Pieces {
  readonly resources: Resources
  readonly callbacks: Callbacks | null
  readonly feed: Feed
  readonly drivers: Drivers
}

/** What finds drivers for trips. */
export interface Dispatch extends Pick<Performer, 'rules' | 'wake' | 'answered'> {
  /** A driver has become free there: who waits for longest is looked at. */
  readonly freed: (workplace: Workplace) => void
  start(): void
  /** Ends after the turns in hand, for which it waits at most `timeoutMs`. Never throws. */
  stop(timeoutMs: number): Promise<void>
}

export function openDispatch(
  options: AppOptions,
  { resources, callbacks, feed, drivers }: Pieces,
  registry: Registry,
): Dispatch {
  const { log, dispatchRules: rules = DEFAULT_RULES } = options
  const { database } = resources
  const metrics = createDispatchMetrics(registry)
  const pruner = historyPruner({
    ...{ pool: database.workers, log },
    ...(options.matchingHistoryDays === undefined ? {} : { historyDays: options.matchingHistoryDays }),
  })
  const timer = watch(database.commands, 'waiting trips', readDispatchBacklog, metrics.backlog)
  const decider = openDecider({ log, metrics })
  const dispatcher = new Dispatcher({
    ...{
      pool: database.dispatch,
      nearby: drivers.pool,
      estimate: drivers.estimate,
      connected: connectedAmong,
    },
    ...{ decide: decider.decide, rules, metrics, log },
    callbacks: options.callbacks,
    ring: (ids) => callbacks?.ring(ids),
    publish: (pushes) => feed.publisher.publish(pushes),
  })
  const reconciler = new Reconciler({
    ...{ pool: database.workers, rules, log, metrics: createUpkeepMetrics(registry) },
    publish: (pushes) => feed.publisher.publish(pushes),
    wake: (tripIds) => dispatcher.wake(tripIds),
    answered: (answers) => dispatcher.answered(answers),
  })
  const loops = [pruner, dispatcher, reconciler]
  return {
    rules,
    wake: (tripIds) => dispatcher.wake(tripIds),
    freed: (workplace) => dispatcher.freed(workplace),
    answered: (answers) => dispatcher.answered(answers),
    start: () => {
      for (const loop of loops) loop.start()
    },
    stop: async (timeoutMs) => {
      clearInterval(timer)
      await Promise.all(loops.map((loop) => loop.stop(timeoutMs)))
      await decider.close()
    },
  }
}

/** A window that keeps failing does so every two seconds. */
const SOLVER_LINES = { perSecond: 0.1, burst: 3 }

/** Who decides whom to ask; that a window could not be matched at the least cost is counted and logged. */
export function openDecider({
  log,
  metrics,
  worker,
}: Pick<AppOptions, 'log'> & {
  readonly metrics: Pick<DispatchMetrics, 'solverFailed'>
  readonly worker?: AssignmentWorker
}): Decider {
  const lines = createSampler(SOLVER_LINES)
  const onTrouble = (err: unknown): void => {
    metrics.solverFailed()
    const permission = lines.allow()
    if (permission)
      log.warn(
        { err, ...permission },
        'a window was not matched at the least cost: it took the nearest drivers',
      )
  }
  return new Decider(worker === undefined ? { onTrouble } : { worker, onTrouble })
}
