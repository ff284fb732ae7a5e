import { Counter, type Registry } from 'prom-client'

export interface AccessMetrics {
  /** A request by what became of it at the door: `allowed`, or why it was refused. */
  access(verdict: string): void
  /** Which key let it in, counted from 0. */
  keyMatched(index: number): void
}

/** Registers the metrics of the internal API's door. Names and labels are documented in docs/operations.md. */
export function createAccessMetrics(registry: Registry): AccessMetrics {
  const accesses = new Counter({
    name: 'onceline_internal_access_total',
    help: 'Requests to the internal API by what became of them at its door.',
    labelNames: ['verdict'],
    registers: [registry],
  })
  const keys = new Counter({
    name: 'onceline_internal_key_matched_total',
    help: 'Which of the active keys let a request in.',
    labelNames: ['key'],
    registers: [registry],
  })
  return {
    access: (verdict) => accesses.inc({ verdict }),
    keyMatched: (index) => keys.inc({ key: String(index + 1) }),
  }
}
