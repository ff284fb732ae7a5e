import { Counter, Histogram, type Registry } from 'prom-client'

export interface CommandMetrics {
  /** `event` is a command's name or `unknown`; `outcome` is `ok`, `replayed` or an error's code. */
  answered(event: string, outcome: string, seconds: number): void
  malformed(reason: string): void
}

/** What needs no database takes less than the first; nobody waits longer than the last. */
const BUCKETS_SECONDS = [0.001, 0.005, 0.02, 0.1, 0.5, 2.5, 10]

/** Registers the metrics of commands. Names and labels are documented in docs/operations.md. */
export function createCommandMetrics(registry: Registry): CommandMetrics {
  const registers = [registry]
  const commands = new Counter({
    name: 'onceline_commands_total',
    help: 'Commands of WebSocket clients by what they came to.',
    labelNames: ['event', 'outcome'],
    registers,
  })
  const seconds = new Histogram({
    name: 'onceline_command_seconds',
    help: 'From a command to its reply.',
    labelNames: ['event'],
    buckets: BUCKETS_SECONDS,
    registers,
  })
  const malformed = new Counter({
    name: 'onceline_malformed_frames_total',
    help: 'Frames of WebSocket clients that are no commands, by what is wrong with them.',
    labelNames: ['reason'],
    registers,
  })
  // Finding a series by its labels costs as much as a position's whole way; there are few, since events and outcomes are.
  const counters = new Map<string, Counter.Internal>()
  const timers = new Map<string, Histogram.Internal<'event'>>()
  return {
    answered: (event, outcome, took) => {
      found(counters, `${event} ${outcome}`, () => commands.labels(event, outcome)).inc()
      found(timers, event, () => seconds.labels(event)).observe(took)
    },
    malformed: (reason) => malformed.inc({ reason }),
  }
}

function found<Series>(known: Map<string, Series>, name: string, find: () => Series): Series {
  let series = known.get(name)
  if (series === undefined) {
    series = find()
    known.set(name, series)
  }
  return series
}
