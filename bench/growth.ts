import { Command, Option } from 'commander'
import type { DataHost } from '../db/embedded/data-host.ts'
import { newSecret } from '../src/webhooks/gateways/samples/samples.ts'
import { withDatabase, withDataHost } from './data.ts'
import { fillEvents } from './fill-events.ts'
import { type Figures, type LoadShape, runAgainst, runVariant } from './ingest-run.ts'
import { describeMachine, type Machine, machineLine } from './machine.ts'
import { type Output, progress, publish, runBenchmark } from './report.ts'
import { median, medians } from './statistics.ts'
import { count, decimal, table } from './table.ts'

interface Options extends Output {
  readonly events: number
  readonly bufferPool: number
  readonly body: number
  readonly rounds: number
  readonly seconds: number
  readonly connections: number
  readonly engine: 'mariadb' | 'mysql' | 'auto'
}

const command = new Command('bench:growth')
  .description(
    'The durable path into a table that holds many events already, against one that is empty, in turns.',
  )
  .option('--events <n>', 'events that are stored beforehand', Number, 10_000_000)
  .option('--buffer-pool <mib>', 'InnoDB buffer pool', Number, 1_024)
  .option(
    '--body <bytes>',
    'size of a body, of old events and new ones (a signed event may be larger by itself)',
    Number,
    200,
  )
  .option('--rounds <n>', 'interleaved rounds', Number, 5)
  .option('--seconds <n>', 'of each measurement', Number, 5)
  .option('--connections <n>', 'keep-alive connections, one request in flight on each', Number, 64)
  .addOption(
    new Option('--engine <engine>', 'database engine').choices(['auto', 'mariadb', 'mysql']).default('auto'),
  )
  .option('--json', 'print one JSON document', false)
  .option('--check', 'exit with 1 when a goal is missed', false)

await runBenchmark(() => main(command.parse().opts<Options>()))

interface Result {
  readonly fillSeconds: number
  readonly full: readonly Figures[]
  readonly empty: readonly Figures[]
}

async function main(options: Options): Promise<void> {
  const data = { engine: options.engine, bufferPoolMb: options.bufferPool }
  const { machine, result } = await withDataHost(data, (host) => measure(host, options))
  const full = medians(result.full)
  const empty = medians(result.empty)
  // Round by round, so that what disturbs the machine for a while disturbs both sides of a quotient.
  const fullToEmpty = median(
    result.full.map(
      (figures, round) => figures.requestsPerSecond / (result.empty[round]?.requestsPerSecond ?? 0),
    ),
  )
  const { events, rounds, seconds, connections, body } = options
  const settings = { events, rounds, seconds, connections, bodyBytes: body }
  const document = {
    benchmark: 'growth',
    machine,
    settings,
    fillSeconds: result.fillSeconds,
    full,
    empty,
    fullToEmpty,
  }
  const text = describe(machine, full, empty, options, result.fillSeconds)
  publish(options, document, text, [{ name: 'fullToEmpty', value: fullToEmpty, atLeast: 0.9 }])
}

function measure(host: DataHost, options: Options): Promise<{ machine: Machine; result: Result }> {
  return withDatabase(host, async (database) => {
    const machine = await describeMachine(host, database.pool)
    const startMs = performance.now()
    await fillEvents(database.pool, options.events, options.body)
    const fillSeconds = (performance.now() - startMs) / 1_000
    progress(`${count(options.events)} events stored in ${decimal(fillSeconds, 0)} s`)
    const shape: LoadShape = {
      gateway: 'stripe',
      secret: newSecret('stripe'),
      connections: options.connections,
      bodyBytes: options.body,
      seconds: options.seconds,
      ratePerSecond: null,
    }
    const full: Figures[] = []
    const empty: Figures[] = []
    for (let round = 0; round < options.rounds; round += 1) {
      full.push(told(round, 'full', await runAgainst(host, database, 'durable', shape)))
      empty.push(told(round, 'empty', await runVariant(host, 'durable', shape)))
    }
    return { machine, result: { fillSeconds, full, empty } }
  })
}

function told(round: number, name: string, figures: Figures): Figures {
  progress(`round ${round + 1}: ${name}: ${count(figures.requestsPerSecond)}/s`)
  return figures
}

function describe(
  machine: Machine,
  full: Figures,
  empty: Figures,
  options: Options,
  fillSeconds: number,
): string {
  const rows = [
    [`${count(options.events)} events stored`, full] as const,
    ['empty table', empty] as const,
  ].map(([label, figures]) => [
    label,
    count(figures.requestsPerSecond),
    decimal(figures.p50Ms, 2),
    decimal(figures.p99Ms, 2),
    decimal(figures.serverMicros, 0),
    decimal(figures.databaseMicros, 0),
  ])
  return [
    machineLine(machine),
    `${options.connections} connections, medians of ${options.rounds} rounds of ${options.seconds} s, filled in ${decimal(fillSeconds, 0)} s`,
    '',
    table(['durable ingest', 'requests/s', 'p50 ms', 'p99 ms', 'server µs', 'database µs a request'], rows),
  ].join('\n')
}
