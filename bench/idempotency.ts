import { Command, Option } from 'commander'
import type { DataHost } from '../db/embedded/data-host.ts'
import { countRows, withDatabase, withDataHost } from './data.ts'
import { fillKeys } from './fill-keys.ts'
import type { KeyedVariant } from './keyed-client.ts'
import { type KeyedFigures, runKeyed, runKeyedAgainst } from './keyed-run.ts'
import { describeMachine, type Machine, machineLine } from './machine.ts'
import { type Goal, type Output, progress, publish, runBenchmark, WrongResult } from './report.ts'
import { median, medians } from './statistics.ts'
import { count, decimal, table } from './table.ts'

interface Options extends Output {
  readonly rounds: number
  readonly seconds: number
  readonly connections: number
  readonly keys: number
  readonly body: number
  readonly bufferPool: number
  readonly engine: 'mariadb' | 'mysql' | 'auto'
}

const LABELS: Readonly<Record<KeyedVariant, string>> = {
  keyless: 'without a key',
  firstUse: 'first use of a key',
  replay: 'replay of a key that stands',
}
const VARIANTS = Object.keys(LABELS) as KeyedVariant[]

const command = new Command('bench:idempotency')
  .description(
    'What a key costs a request that writes one row, and what a replay costs. With --keys instead: first uses beside ' +
      'so many keys that stand, against an empty table. Every effect and every key is counted afterwards.',
  )
  .option('--rounds <n>', 'interleaved rounds; medians are shown', Number, 5)
  .option('--seconds <n>', 'of each measurement', Number, 5)
  .option('--connections <n>', 'keep-alive connections, one request in flight on each', Number, 64)
  .option('--keys <n>', 'keys that are stored beforehand', Number, 0)
  .option('--body <bytes>', 'size of the answers that are stored beforehand', Number, 200)
  .option('--buffer-pool <mib>', 'InnoDB buffer pool; the redo log gets the same size', Number, 1_024)
  .addOption(
    new Option('--engine <engine>', 'database engine').choices(['auto', 'mariadb', 'mysql']).default('auto'),
  )
  .option('--json', 'print one JSON document', false)
  .option('--check', 'exit with 1 when a goal is missed', false)

await runBenchmark(() => main(command.parse().opts<Options>()))

async function main(options: Options): Promise<void> {
  const data = { engine: options.engine, bufferPoolMb: options.bufferPool }
  if (options.keys > 0) await withDataHost(data, (host) => measureGrowth(host, options))
  else await withDataHost(data, (host) => measureVariants(host, options))
}

async function measureVariants(host: DataHost, options: Options): Promise<void> {
  const machine = await withDatabase(host, ({ pool }) => describeMachine(host, pool))
  const runs: Record<KeyedVariant, KeyedFigures[]> = { keyless: [], firstUse: [], replay: [] }
  for (let round = 0; round < options.rounds; round += 1) {
    // Another one begins in every round, so that none always runs in the wake of the same neighbour.
    const order = VARIANTS.map((_, index) => VARIANTS[(index + round) % VARIANTS.length] as KeyedVariant)
    for (const variant of order)
      runs[variant].push(told(round, LABELS[variant], await runKeyed(host, variant, options)))
  }
  const rows = VARIANTS.map((variant) => [LABELS[variant], medians(runs[variant])] as const)
  publishAll(machine, options, {
    document: { ...Object.fromEntries(VARIANTS.map((variant) => [variant, medians(runs[variant])])) },
    rows,
    goals: [
      { name: 'firstUseToKeyless', value: quotient(runs.firstUse, runs.keyless), atLeast: 0.7 },
      { name: 'replayToKeyless', value: quotient(runs.replay, runs.keyless), atLeast: 1 },
    ],
  })
}

function measureGrowth(host: DataHost, options: Options): Promise<void> {
  return withDatabase(host, async (database) => {
    const machine = await describeMachine(host, database.pool)
    const startMs = performance.now()
    await fillKeys(database.pool, options.keys, options.body)
    const fillSeconds = (performance.now() - startMs) / 1_000
    const stored = await countRows(database.pool, 'idempotency_keys')
    if (stored !== options.keys) throw new WrongResult(`${stored} keys stored instead of ${options.keys}`)
    progress(`${count(stored)} keys stored in ${decimal(fillSeconds, 0)} s`)
    const full: KeyedFigures[] = []
    const empty: KeyedFigures[] = []
    for (let round = 0; round < options.rounds; round += 1) {
      // Each begins in every other round.
      const sides = [
        async () =>
          full.push(told(round, 'full', await runKeyedAgainst(host, database, 'firstUse', options))),
        async () => empty.push(told(round, 'empty', await runKeyed(host, 'firstUse', options))),
      ]
      for (const measure of round % 2 === 0 ? sides : sides.toReversed()) await measure()
    }
    publishAll(machine, options, {
      document: { fillSeconds, full: medians(full), empty: medians(empty) },
      rows: [
        [`first use, ${count(stored)} keys stored`, medians(full)],
        ['first use, empty table', medians(empty)],
      ],
      goals: [{ name: 'fullToEmpty', value: quotient(full, empty), atLeast: 0.9 }],
    })
  })
}

/** Round by round, so that what disturbs the machine for a while disturbs both sides of a quotient. */
function quotient(ones: readonly KeyedFigures[], others: readonly KeyedFigures[]): number {
  return median(
    ones.map(({ requestsPerSecond }, round) => requestsPerSecond / (others[round]?.requestsPerSecond ?? 0)),
  )
}

function told(round: number, label: string, figures: KeyedFigures): KeyedFigures {
  progress(`round ${round + 1}: ${label}: ${count(figures.requestsPerSecond)}/s`)
  return figures
}

interface Result {
  readonly document: object
  readonly rows: readonly (readonly [string, KeyedFigures])[]
  readonly goals: readonly Goal[]
}

function publishAll(machine: Machine, options: Options, { document, rows, goals }: Result): void {
  const { rounds, seconds, connections, keys, body } = options
  const settings = { rounds, seconds, connections, keys, bodyBytes: body }
  const ratios = Object.fromEntries(goals.map(({ name, value }) => [name, value]))
  const text = [
    machineLine(machine),
    `${connections} connections, medians of ${rounds} rounds of ${seconds} s`,
    '',
    table(
      [
        'one row written',
        'requests/s',
        'p50 ms',
        'p99 ms',
        'server µs',
        'database µs',
        'client µs a request',
      ],
      rows.map(([label, figures]) => [
        label,
        count(figures.requestsPerSecond),
        decimal(figures.p50Ms, 2),
        decimal(figures.p99Ms, 2),
        decimal(figures.serverMicros, 0),
        decimal(figures.databaseMicros, 0),
        decimal(figures.clientMicros, 0),
      ]),
    ),
  ].join('\n')
  publish(options, { benchmark: 'idempotency', machine, settings, ...document, ...ratios }, text, goals)
}
