import { Counter, type Registry } from 'prom-client'

export interface SeatMetrics {
  /** `here`: this process alone has all that is allowed. `insurance`: Redis does not answer, and this process counted for itself. */
  decided(verdict: 'taken' | 'user_full' | 'network_full', by: 'redis' | 'insurance' | 'here'): void
}

/** Registers the metrics of seats. Names and labels are documented in docs/operations.md. */
export function createSeatMetrics(registry: Registry): SeatMetrics {
  const decisions = new Counter({
    name: 'onceline_seats_decided_total',
    help: 'Sockets that asked for a seat by what was said, and who decided it.',
    labelNames: ['verdict', 'by'],
    registers: [registry],
  })
  return { decided: (verdict, by) => decisions.inc({ verdict, by }) }
}
