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
  return {
    answered: (event, outcome, took) => {
      commands.inc({ event, outcome })
      seconds.observe({ event }, took)
    },
    malformed: (reason) => malformed.inc({ reason }),
  }
}
