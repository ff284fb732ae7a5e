import type { Registry } from 'prom-client'
import { watch } from '../../db/watch.ts'
import { type Clock, systemClock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { createSampler } from '../base/sampler.ts'
import { Completer } from '../idempotency/completer.ts'
import { createOperationMetrics } from '../idempotency/metrics.ts'
import { type OperationBacklog, readOperationBacklog } from '../idempotency/operation-backlog.ts'
import { Operations } from '../idempotency/operations.ts'
import { keyPruner } from '../idempotency/pruner.ts'
import type { AppOptions } from './options.ts'
import type { Resources } from './resources.ts'

/** It stays so until a version is started that knows them; a line every ten minutes says it. */
const UNKNOWN_LINES = { perSecond: 1 / 600, burst: 1 }

/** What keys need beside those who answer requests. */
export interface IdempotencyWork {
  /** Starts pruning, and going on with operations of several phases that have no owner. */
  start(): void
  /** Ends after the turns in hand, for which it waits at most `timeoutMs`. Never throws. */
  stop(timeoutMs: number): Promise<void>
}

/** Opens the registry of operations, counts what is open, and prunes keys. */
export function openIdempotency(
  { operations = [], log, clock = systemClock }: AppOptions,
  { database }: Resources,
  registry: Registry,
): IdempotencyWork {
  const driver = new Operations({ pool: database.workers, log, operations })
  const pruner = keyPruner({ pool: database.workers, log })
  const completer = new Completer({ operations: driver, log })
  const metrics = createOperationMetrics(registry)
  const tellUnknown = unknownTeller(log, clock)
  const timer = watch(
    database.commands,
    'open operations',
    (connection) => readOperationBacklog(connection, (name) => driver.knows(name)),
    (backlog) => {
      metrics.backlog(backlog)
      tellUnknown(backlog)
    },
  )
  return {
    start: () => {
      pruner.start()
      completer.start()
    },
    stop: async (timeoutMs) => {
      clearInterval(timer)
      await Promise.all([pruner.stop(timeoutMs), completer.stop(timeoutMs)])
    },
  }
}

function unknownTeller(log: Log, clock: Clock): (backlog: OperationBacklog) => void {
  const lines = createSampler({ ...UNKNOWN_LINES, clock })
  return ({ unknown, states }) => {
    const permission = unknown.length === 0 ? null : lines.allow()
    if (permission)
      log.error(
        { operations: unknown, count: states.unknown, ...permission },
        'ALARM: operations without an owner have names that this version does not know; they wait for one that does',
      )
  }
}
