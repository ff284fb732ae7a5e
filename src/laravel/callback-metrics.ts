import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { Circuit } from '../base/circuit.ts'
import type { OutboxBacklog } from '../outbox/backlog.ts'
import type { AnswerOutcome } from './callback-settlement.ts'
import type { CallbackOutcome } from './callback-verdict.ts'

/** Where the callbacks' counters go. */
export interface CallbackMetrics {
  sent(outcome: CallbackOutcome | 'lease_lost', durationMs: number): void
  answer(outcome: AnswerOutcome): void
  inFlight(difference: 1 | -1): void
  ringFailed(): void
  circuit(kind: Circuit['kind']): void
  backlog(backlog: OutboxBacklog): void
}

const SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const CIRCUIT_VALUES: Readonly<Record<Circuit['kind'], number>> = { closed: 0, 'half-open': 1, open: 2 }

/** Registers the callbacks' metrics. Names and labels are documented in docs/operations.md. */
export function createCallbackMetrics(registry: Registry): CallbackMetrics {
  const registers = [registry]
  const sends = new Counter({
    name: 'onceline_callback_sends_total',
    help: 'Attempts to call Laravel, by what came of them.',
    labelNames: ['outcome'],
    registers,
  })
  const seconds = new Histogram({
    name: 'onceline_callback_seconds',
    help: 'From claiming a callback to the answer.',
    buckets: SECONDS,
    registers,
  })
  const answers = new Counter({
    name: 'onceline_callback_answers_total',
    help: "What became of the content of Laravel's answers to ride.accepted; those without any are not counted.",
    labelNames: ['outcome'],
    registers,
  })
  const inFlight = new Gauge({
    name: 'onceline_callbacks_in_flight',
    help: 'Callbacks that are being sent.',
    registers,
  })
  const ringsFailed = new Counter({
    name: 'onceline_callback_rings_failed_total',
    help: 'Rings for callbacks that Redis did not hear; the sweeper repeats them.',
    registers,
  })
  const circuit = new Gauge({
    name: 'onceline_callback_circuit_state',
    help: "Laravel's circuit: 0 closed, 1 half-open, 2 open.",
    registers,
    aggregator: 'max',
  })
  return {
    sent: (outcome, durationMs) => {
      sends.inc({ outcome })
      seconds.observe(durationMs / 1_000)
    },
    answer: (outcome) => answers.inc({ outcome }),
    inFlight: (difference) => inFlight.inc(difference),
    ringFailed: () => ringsFailed.inc(),
    circuit: (kind) => circuit.set(CIRCUIT_VALUES[kind]),
    backlog: createBacklogGauges(registers),
  }
}

/** What MySQL says of the open callbacks; every process reads it, so a cluster takes the highest. */
function createBacklogGauges(registers: Registry[]): (backlog: OutboxBacklog) => void {
  const byState = new Gauge({
    name: 'onceline_callbacks_open',
    help: 'Callbacks that are not finished, and dead ones, by state.',
    labelNames: ['state'],
    registers,
    aggregator: 'max',
  })
  const oldest = new Gauge({
    name: 'onceline_callback_oldest_unfinished_seconds',
    help: 'Age of the oldest callback that Laravel does not have.',
    registers,
    aggregator: 'max',
  })
  const readAt = new Gauge({
    name: 'onceline_callback_backlog_read_timestamp_seconds',
    help: 'When the two gauges of open callbacks were last read. Alarm when older than 60 s.',
    registers,
    aggregator: 'max',
  })
  return ({ states, oldestSeconds }) => {
    for (const [state, count] of Object.entries(states)) byState.set({ state }, count)
    oldest.set(oldestSeconds)
    readAt.setToCurrentTime()
  }
}
