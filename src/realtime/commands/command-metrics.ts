import { Counter, type Registry } from 'prom-client'
import { type Tally, type TallyTimes, tallyCounter, tallyHistogram } from '../../base/tally.ts'

export interface CommandMetrics {
  /** `event` is a command's name or `unknown`; `outcome` is `ok`, `replayed` or an error's code. */
  answered(event: string, outcome: string, seconds: number): void
  malformed(reason: string): void
}

/** What needs no database takes less than the first; nobody waits longer than the last. */
const BUCKETS_SECONDS = [0.001, 0.005, 0.02, 0.1, 0.5, 2.5, 10]

/** Of one event. */
interface Series {
  readonly times: TallyTimes
  readonly outcomes: Map<string, Tally>
}

/** Registers the metrics of commands. Names and labels are documented in docs/operations.md. */
export function createCommandMetrics(registry: Registry): CommandMetrics {
  const commands = tallyCounter({
    registry,
    name: 'onceline_commands_total',
    help: 'Commands of WebSocket clients by what they came to.',
    labelNames: ['event', 'outcome'],
  })
  const seconds = tallyHistogram(
    {
      registry,
      name: 'onceline_command_seconds',
      help: 'From a command to its reply.',
      labelNames: ['event'],
    },
    BUCKETS_SECONDS,
  )
  const malformed = new Counter({
    name: 'onceline_malformed_frames_total',
    help: 'Frames of WebSocket clients that are no commands, by what is wrong with them.',
    labelNames: ['reason'],
    registers: [registry],
  })
  const known = new Map<string, Series>()
  return {
    answered: (event, outcome, took) => {
      const series = found(known, event, () => ({ times: seconds({ event }), outcomes: new Map() }))
      series.times.observe(took)
      found(series.outcomes, outcome, () => commands({ event, outcome })).count += 1
    },
    malformed: (reason) => malformed.inc({ reason }),
  }
}

function found<T>(known: Map<string, T>, name: string, begin: () => T): T {
  let one = known.get(name)
  if (one === undefined) {
    one = begin()
    known.set(name, one)
  }
  return one
}
