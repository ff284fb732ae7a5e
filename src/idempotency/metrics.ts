import { Counter, Gauge, type Registry } from 'prom-client'
import type { OnceResult } from './flights.ts'
import type { OperationBacklog } from './operation-backlog.ts'

/** What became of a request with a key. */
export type AnswerKind = OnceResult['kind']

export interface IdempotencyMetrics {
  /** One request with a key was answered at the HTTP door. */
  answered(kind: AnswerKind): void
}

const KINDS = Object.keys({
  executed: true,
  replayed: true,
  refused: true,
  mismatch: true,
  in_flight: true,
  expired: true,
} satisfies Record<AnswerKind, true>)

/** Registers the metrics of idempotency keys. Names and labels are documented in docs/operations.md. */
export function createIdempotencyMetrics(registry: Registry): IdempotencyMetrics {
  const answers = new Counter({
    name: 'onceline_idempotency_answers_total',
    help: 'Requests with an idempotency key by what became of them, for each door.',
    labelNames: ['door', 'answer'],
    registers: [registry],
  })
  // From 0 on, so that the first one is seen to rise.
  for (const answer of KINDS) answers.inc({ door: 'http', answer }, 0)
  return { answered: (kind) => answers.inc({ door: 'http', answer: kind }) }
}

export interface OperationMetrics {
  backlog(backlog: OperationBacklog): void
}

/** Registers the metrics of operations of several phases; every process reads the same, so a cluster takes the highest. */
export function createOperationMetrics(registry: Registry): OperationMetrics {
  const open = new Gauge({
    name: 'onceline_operations_open',
    help: 'Operations of several phases that are not finished, by state.',
    labelNames: ['state'],
    registers: [registry],
    aggregator: 'max',
  })
  const readAt = new Gauge({
    name: 'onceline_operations_read_timestamp_seconds',
    help: 'When the gauge of open operations was last read. Alarm when older than 60 s.',
    registers: [registry],
    aggregator: 'max',
  })
  return {
    backlog: ({ states }) => {
      for (const [state, count] of Object.entries(states)) open.set({ state }, count)
      readAt.setToCurrentTime()
    },
  }
}
