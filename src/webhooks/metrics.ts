import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { Backlog } from './backlog.ts'
import type { ProcessedBatch } from './process.ts'

/** Where the webhooks' counters go. One object, so that nothing else here knows the metrics library. */
export interface WebhookMetrics {
  delivery(gateway: string, verdict: string): void
  conflict(gateway: string): void
  secretMatched(gateway: string, account: string, index: number): void
  acknowledged(gateway: string, seconds: number): void
  committed(batchSize: number, durationMs: number): void
  processed(batch: ProcessedBatch): void
  failed(kind: 'retry' | 'dead'): void
  ringFailed(): void
  asked(gateway: string, outcome: string): void
  compared(gateway: string, counts: { readonly listed: number; readonly missed: number }): void
  backlog(backlog: Backlog): void
}

const ACK_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2]
const WAIT_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 300]
const BATCH_SIZES = [1, 2, 4, 8, 16, 32, 64, 128]

/** Registers the webhooks' metrics. Names and labels are documented in docs/operations.md. */
export function createWebhookMetrics(registry: Registry): WebhookMetrics {
  const registers = [registry]
  const counter = <T extends string>(name: string, help: string, labelNames: readonly T[]): Counter<T> =>
    new Counter({ name: `onceline_webhook_${name}`, help, labelNames: [...labelNames], registers })
  const histogram = (name: string, help: string, buckets: number[], labelNames: string[] = []): Histogram =>
    new Histogram({ name: `onceline_webhook_${name}`, help, buckets, labelNames, registers })

  const deliveries = counter('deliveries_total', 'Deliveries by what became of them.', ['gateway', 'verdict'])
  const conflicts = counter('conflicts_total', 'One event id with two amounts. Alarm on any.', ['gateway'])
  const secrets = counter('secret_matched_total', 'Which active secret verified.', [
    'gateway',
    'account',
    'secret',
  ])
  const outcomes = counter('events_processed_total', 'Events by state and outcome.', [
    'gateway',
    'state',
    'outcome',
  ])
  const failures = counter('event_failures_total', 'Failed attempts: retried or dead.', ['kind'])
  const ringsFailed = counter(
    'rings_failed_total',
    'Rings that Redis did not hear; the sweeper repeats them.',
    [],
  )
  const questions = counter(
    'confirmations_total',
    'Questions to gateways about doubtful events, by outcome.',
    ['gateway', 'outcome'],
  )
  const listedEvents = counter('listed_total', 'Events that gateways listed for comparison.', ['gateway'])
  const missedEvents = counter('missed_total', 'Events that a gateway listed and that had never come.', [
    'gateway',
  ])
  const ack = histogram('ack_seconds', 'From the last byte of a delivery to its answer.', ACK_SECONDS, [
    'gateway',
  ])
  const batchSize = histogram('commit_batch_size', 'Events per group commit.', BATCH_SIZES)
  const commitSeconds = histogram('commit_seconds', 'Duration of a group commit.', ACK_SECONDS)
  const waits = histogram('event_wait_seconds', 'From storing an event to processing it.', WAIT_SECONDS)
  const backlog = createBacklogGauges(registers)
  return {
    delivery: (gateway, verdict) => deliveries.inc({ gateway, verdict }),
    conflict: (gateway) => conflicts.inc({ gateway }),
    secretMatched: (gateway, account, index) => secrets.inc({ gateway, account, secret: String(index + 1) }),
    acknowledged: (gateway, seconds) => ack.observe({ gateway }, seconds),
    committed: (size, durationMs) => {
      batchSize.observe(size)
      commitSeconds.observe(durationMs / 1_000)
    },
    processed: ({ results }) => {
      for (const { gateway, state, outcome, waitedMs } of results) {
        outcomes.inc({ gateway, state, outcome: outcome ?? 'none' })
        waits.observe(waitedMs / 1_000)
      }
    },
    failed: (kind) => failures.inc({ kind }),
    ringFailed: () => ringsFailed.inc(),
    asked: (gateway, outcome) => questions.inc({ gateway, outcome }),
    compared: (gateway, { listed, missed }) => {
      listedEvents.inc({ gateway }, listed)
      missedEvents.inc({ gateway }, missed)
    },
    backlog,
  }
}

/** What MySQL says of the open events; every process reads it, so a cluster takes the highest. */
function createBacklogGauges(registers: Registry[]): (backlog: Backlog) => void {
  const byState = new Gauge({
    name: 'onceline_webhook_events_open',
    help: 'Events that are not finished, by state.',
    labelNames: ['state'],
    registers,
    aggregator: 'max',
  })
  const oldest = new Gauge({
    name: 'onceline_webhook_oldest_unfinished_seconds',
    help: 'Age of the oldest event that waits for processing. Alarm above 60.',
    registers,
    aggregator: 'max',
  })
  const readAt = new Gauge({
    name: 'onceline_webhook_backlog_read_timestamp_seconds',
    help: 'When the two gauges of open events were last read. Alarm when older than 60 s.',
    registers,
    aggregator: 'max',
  })
  return ({ states, oldestUnfinishedSeconds }) => {
    byState.reset()
    for (const [state, count] of Object.entries(states)) byState.set({ state }, count)
    oldest.set(oldestUnfinishedSeconds)
    readAt.setToCurrentTime()
  }
}
