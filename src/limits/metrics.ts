import { Counter, type Registry } from 'prom-client'
import type { LimitClass } from './rules.ts'

/** Who counted: Redis for all processes together, or the insurance for this one alone. */
export type Decider = 'redis' | 'insurance'

export interface LimitMetrics {
  decided(limitClass: LimitClass, allowed: boolean, by: Decider): void
}

/** Registers the limits' metrics. Names and labels are documented in docs/operations.md. */
export function createLimitMetrics(registry: Registry): LimitMetrics {
  const decisions = new Counter({
    name: 'onceline_rate_limit_decisions_total',
    help: 'Requests by what their rate limit said, and who decided it.',
    labelNames: ['class', 'decision', 'by'],
    registers: [registry],
  })
  return {
    decided: (limitClass, allowed, by) =>
      decisions.inc({ class: limitClass, decision: allowed ? 'allowed' : 'limited', by }),
  }
}
