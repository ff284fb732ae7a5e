import { Counter, Gauge, type Registry } from 'prom-client'
import type { PutRight } from './silent-moves.ts'

/** driver_freed: he was on_trip without a trip. The others: as PutRight. */
export type Correction = 'driver_freed' | PutRight

const CORRECTIONS: readonly Correction[] = ['driver_freed', 'moved', 'taken_back', 'search_begun']

export interface UpkeepMetrics {
  corrected(what: Correction, count: number): void
  /** A turn, or the work on one trip, failed; the next pass tries again. */
  failed(): void
  /** All that there is was looked at. */
  passed(): void
}

/** Registers the metrics of the reconciler. Names and labels are documented in docs/operations.md. */
export function createUpkeepMetrics(registry: Registry): UpkeepMetrics {
  const registers = [registry]
  const corrections = new Counter({
    name: 'onceline_matching_corrections_total',
    help: 'What Laravel changed without telling, and was put right.',
    labelNames: ['what'],
    registers,
  })
  for (const what of CORRECTIONS) corrections.inc({ what }, 0)
  const failures = new Counter({
    name: 'onceline_matching_reconciler_failures_total',
    help: 'Turns of the reconciler, or corrections of one trip, that failed.',
    registers,
  })
  const pass = new Gauge({
    name: 'onceline_matching_reconciler_pass_timestamp_seconds',
    help: 'When all was last looked at; 0 in a process that never held the lease.',
    registers,
    aggregator: 'max',
  })
  return {
    corrected: (what, count) => corrections.inc({ what }, count),
    failed: () => failures.inc(),
    passed: () => pass.setToCurrentTime(),
  }
}
