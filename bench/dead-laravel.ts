import { Command, Option } from 'commander'
import type { DataHost } from '../db/embedded/data-host.ts'
import { withDatabase, withDataHost } from './data.ts'
import { type Outcome, runDeadLaravel } from './dead-laravel-run.ts'
import type { Mood } from './dead-laravel-stand-in.ts'
import type { Window } from './dead-laravel-window.ts'
import { describeMachine, type Machine, machineLine } from './machine.ts'
import { type Output, publish, runBenchmark, WrongResult } from './report.ts'
import { median, medians } from './statistics.ts'
import { count, decimal, table } from './table.ts'

interface Options extends Output {
  readonly unsentSeconds: number
  readonly baselineSeconds: number
  readonly deadSeconds: number
  readonly afterSeconds: number
  readonly windowSeconds: number
  readonly rate: number
  readonly processes: number
  readonly answerMs: number
  readonly moods: string
  readonly engine: 'mariadb' | 'mysql' | 'auto'
}

const DEAD_MOODS: readonly string[] = ['hanging', 'closed', 'unavailable'] satisfies Mood[]

const command = new Command('bench:dead-laravel')
  .description(
    'Webhooks at a steady rate while Laravel lives, is dead, and lives again. Their latency while it is dead is compared with ' +
      'that while it lives; in the end every callback must have been delivered, in order within its key.',
  )
  .option('--unsent-seconds <n>', 'before all: callbacks are written, and nobody sends them', Number, 120)
  .option('--baseline-seconds <n>', 'Laravel lives', Number, 120)
  .option('--dead-seconds <n>', 'Laravel is dead', Number, 600)
  .option('--after-seconds <n>', 'Laravel lives again, and has all that waited', Number, 60)
  .option('--window-seconds <n>', 'one measurement; medians over the windows are shown', Number, 10)
  .option('--rate <n>', 'callbacks a second; every webhook writes two', Number, 100)
  .option('--processes <n>', 'of the service; the first one takes the webhooks', Number, 2)
  .option('--answer-ms <n>', 'how long a living Laravel takes to answer', Number, 20)
  .option(
    '--moods <list>',
    `how it is dead, one after the other: ${DEAD_MOODS.join(', ')}`,
    DEAD_MOODS.join(),
  )
  .addOption(
    new Option('--engine <engine>', 'database engine').choices(['auto', 'mariadb', 'mysql']).default('auto'),
  )
  .option('--json', 'print one JSON document', false)
  .option('--check', 'exit with 1 when a goal is missed', false)

await runBenchmark(() => main(command.parse().opts<Options>()))

async function main(options: Options): Promise<void> {
  const moods = options.moods.split(',')
  const unknown = moods.find((mood) => !DEAD_MOODS.includes(mood))
  if (unknown !== undefined) throw new WrongResult(`there is no mood ${unknown}`)
  const { machine, outcome } = await withDataHost(options, async (host: DataHost) => ({
    machine: await withDatabase(host, ({ pool }) => describeMachine(host, pool)),
    outcome: await runDeadLaravel(host, { ...options, moods: moods as Mood[] }),
  }))
  const figures = summarise(outcome.windows)
  const ratios = {
    deadToUnsentP50: figures.dead.p50Ms / figures.unsent.p50Ms,
    deadToUnsentP99: figures.dead.p99Ms / figures.unsent.p99Ms,
    deadToAliveP50: figures.dead.p50Ms / figures.alive.p50Ms,
    deadToAliveP99: figures.dead.p99Ms / figures.alive.p99Ms,
    deadToAliveMicros: figures.dead.micros / figures.alive.micros,
    recoveryToDead: outcome.recoverySeconds / options.deadSeconds,
  }
  const { json: _json, check: _check, engine: _engine, ...settings } = options
  publish(
    options,
    { benchmark: 'dead-laravel', machine, settings, ...outcome, figures, ...ratios },
    describe(machine, outcome, figures, options),
    [
      { name: 'deadToUnsentP50', value: ratios.deadToUnsentP50, atMost: 1.1 },
      { name: 'deadToUnsentP99', value: ratios.deadToUnsentP99, atMost: 1.1 },
      { name: 'deadToAliveP99', value: ratios.deadToAliveP99, atMost: 1.1 },
      { name: 'recoveryToDead', value: ratios.recoveryToDead, atMost: 0.5 },
    ],
  )
}

type Figures = Record<'p50Ms' | 'p99Ms' | 'maxMs' | 'micros' | 'residentMib', number>

/** Before and after its death Laravel is alive: so what drifts in a long run meets both sides alike. */
function summarise(
  windows: readonly Window[],
): Record<'unsent' | 'alive' | 'dead' | 'recovery' | Mood, Figures> {
  const of = (...phases: readonly string[]) =>
    medians(windows.filter(({ phase }) => phases.includes(phase)).map(figuresOf))
  return {
    unsent: of('unsent'),
    alive: of('alive', 'after'),
    dead: of(...DEAD_MOODS),
    hanging: of('hanging'),
    closed: of('closed'),
    unavailable: of('unavailable'),
    recovery: of('recovery'),
  }
}

function figuresOf({ p50Ms, p99Ms, maxMs, cpuMicros, webhooks, residentMib }: Window): Figures {
  const { service, database, redis } = cpuMicros
  return { p50Ms, p99Ms, maxMs, micros: (service + database + redis) / webhooks, residentMib }
}

function describe(
  machine: Machine,
  outcome: Outcome,
  figures: Record<string, Figures>,
  options: Options,
): string {
  const { rate, processes, baselineSeconds, deadSeconds, windowSeconds } = options
  const { windows, recoverySeconds, waiting, callbacks, laravel } = outcome
  const rows = Object.entries(figures)
    .filter(([, each]) => each.p50Ms !== undefined)
    .map(([name, { p50Ms, p99Ms, maxMs, micros, residentMib }]) => [
      name === 'unsent' ? 'callbacks unsent' : `Laravel ${name}`,
      ...[p50Ms, p99Ms, maxMs].map((ms) => decimal(ms, 2)),
      decimal(micros, 0),
      decimal(residentMib, 0),
    ])
  const inRecovery = windows.filter(({ phase }) => phase === 'recovery')
  const webhooks = inRecovery.reduce((sum, each) => sum + each.webhooks, 0)
  const left = inRecovery.at(-1)?.backlog ?? 0
  const delivered = waiting + 2 * webhooks - left
  return [
    machineLine(machine),
    `${count(rate)} callbacks a second, ${processes} processes, ${baselineSeconds} s alive, ${deadSeconds} s dead, windows of ${windowSeconds} s`,
    '',
    table(
      ['acknowledging a webhook, medians', 'p50 ms', 'p99 ms', 'max ms', 'all µs a webhook', 'service MiB'],
      rows,
    ),
    '',
    `  dead ÷ alive, p50 (no goal: an idle machine wakes up later): ${decimal(ratio(figures.dead, figures.alive), 2)}`,
    `  ${count(waiting)} callbacks waited at Laravel's return (most: ${count(mostOpen(windows))}); ` +
      `it had them after ${decimal(recoverySeconds, 1)} s, ${count(delivered / (inRecovery.length * windowSeconds))} a second`,
    `  ${count(callbacks)} callbacks in all, each delivered, in order within its key; ${laravel.duplicates} twice; ` +
      `${count(laravel.requests - laravel.delivered - laravel.duplicates)} requests in vain`,
    `  memory of the service: ${decimal(median(residentOf(windows, true)), 0)} MiB when Laravel died, ${decimal(median(residentOf(windows, false)), 0)} MiB when it came back`,
  ].join('\n')
}

function mostOpen(windows: readonly Window[]): number {
  return Math.max(...windows.filter(({ phase }) => phase !== 'unsent').map(({ backlog }) => backlog))
}

function ratio(one: Figures | undefined, other: Figures | undefined): number {
  return (one?.p50Ms ?? 0) / (other?.p50Ms ?? 0)
}

/** Of the three windows at the beginning, or at the end, of its death. */
function residentOf(windows: readonly Window[], isBeginning: boolean): number[] {
  const dead = windows.filter(({ phase }) => DEAD_MOODS.includes(phase))
  return (isBeginning ? dead.slice(0, 3) : dead.slice(-3)).map(({ residentMib }) => residentMib)
}
