import { Command, Option } from 'commander'
import type { DataHost } from '../db/embedded/data-host.ts'
import { newSecret, SAMPLE_GATEWAYS } from '../src/webhooks/gateways/samples/samples.ts'
import { withDatabase, withDataHost } from './data.ts'
import { type Figures, type LoadShape, runVariant } from './ingest-run.ts'
import type { Variant } from './ingest-server.ts'
import { runSteady } from './ingest-steady.ts'
import { describeMachine, type Machine, machineLine } from './machine.ts'
import { type Output, progress, publish, runBenchmark } from './report.ts'
import { type Latencies, medians } from './statistics.ts'
import { count, decimal, table } from './table.ts'

interface Options extends Output {
  readonly rounds: number
  readonly seconds: number
  readonly gateway: string
  readonly connections: number
  readonly body: number
  readonly rate: number
  readonly turns: number
  readonly engine: 'mariadb' | 'mysql' | 'auto'
}

const LABELS: Readonly<Record<Variant, string>> = {
  bare: 'bare node:http',
  verify: 'verification only',
  durable: 'durable',
  working: 'durable + workers on',
}
const VARIANTS = Object.keys(LABELS) as Variant[]

const command = new Command('bench:ingest')
  .description(
    'Requests a second as fast as the answers come, then latency at a steady rate. Every row that was acknowledged ' +
      'is counted in the database afterwards.',
  )
  .option('--rounds <n>', 'interleaved rounds; medians are shown', Number, 3)
  .option('--seconds <n>', 'of each measurement', Number, 5)
  .addOption(new Option('--gateway <name>', 'whose deliveries').choices(SAMPLE_GATEWAYS).default('stripe'))
  .option('--connections <n>', 'keep-alive connections, one request in flight on each', Number, 64)
  .option('--body <bytes>', 'size of a body', Number, 1_500)
  .option('--rate <n>', 'requests a second of the steady measurement', Number, 1_000)
  .option('--turns <n>', 'turns of the steady measurement; medians are shown', Number, 9)
  .addOption(
    new Option('--engine <engine>', 'database engine').choices(['auto', 'mariadb', 'mysql']).default('auto'),
  )
  .option('--json', 'print one JSON document', false)
  .option('--check', 'exit with 1 when a goal is missed', false)

await runBenchmark(() => main(command.parse().opts<Options>()))

interface Result {
  readonly fast: Readonly<Record<Variant, Figures>>
  readonly steady: { readonly durable: Figures; readonly bareCommit: Latencies }
}

async function main(options: Options): Promise<void> {
  const { machine, result } = await withDataHost(options, (host) => measure(host, options))
  const { fast, steady } = result
  const ratios = {
    durableToVerify: fast.durable.requestsPerSecond / fast.verify.requestsPerSecond,
    durableToBare: fast.durable.requestsPerSecond / fast.bare.requestsPerSecond,
    p99ToBareCommit: steady.durable.p99Ms / steady.bareCommit.p99Ms,
  }
  const { rounds, seconds, gateway, connections, body, rate, turns } = options
  const settings = { rounds, seconds, gateway, connections, bodyBytes: body, ratePerSecond: rate, turns }
  publish(
    options,
    { benchmark: 'ingest', machine, settings, ...result, ...ratios },
    describe(machine, result, options, ratios.durableToBare),
    [
      { name: 'durableToVerify', value: ratios.durableToVerify, atLeast: 0.6 },
      { name: 'p99ToBareCommit', value: ratios.p99ToBareCommit, atMost: 3 },
    ],
  )
}

async function measure(host: DataHost, options: Options): Promise<{ machine: Machine; result: Result }> {
  const machine = await withDatabase(host, ({ pool }) => describeMachine(host, pool))
  const secret = newSecret(options.gateway)
  const shape: LoadShape = { ...options, secret, bodyBytes: options.body, ratePerSecond: null }
  const fast: Record<Variant, Figures[]> = { bare: [], verify: [], durable: [], working: [] }
  for (let round = 0; round < options.rounds; round += 1) {
    // Another one begins in every round, so that none always runs in the wake of the same neighbour.
    const order = VARIANTS.map((_, index) => VARIANTS[(index + round) % VARIANTS.length] as Variant)
    for (const variant of order)
      fast[variant].push(told(round, variant, await runVariant(host, variant, shape)))
  }
  const { durable, bareCommit } = await runSteady(
    host,
    { ...shape, ratePerSecond: options.rate },
    options.turns,
  )
  for (const [turn, { p99Ms }] of durable.entries())
    progress(
      `turn ${turn + 1}: p99 ${decimal(p99Ms, 2)} ms durable, ${decimal(bareCommit[turn]?.p99Ms ?? 0, 2)} ms bare commit`,
    )
  const result: Result = {
    fast: {
      bare: medians(fast.bare),
      verify: medians(fast.verify),
      durable: medians(fast.durable),
      working: medians(fast.working),
    },
    steady: {
      durable: medians(durable),
      bareCommit: medians(bareCommit),
    },
  }
  return { machine, result }
}

function told(round: number, variant: Variant, figures: Figures): Figures {
  progress(
    `round ${round + 1}: ${LABELS[variant]}: ${count(figures.requestsPerSecond)}/s, p99 ${decimal(figures.p99Ms, 1)} ms`,
  )
  return figures
}

function describe(
  machine: Machine,
  { fast, steady }: Result,
  options: Options,
  durableToBare: number,
): string {
  const rows = VARIANTS.map((variant) => {
    const figures = fast[variant]
    return [
      LABELS[variant],
      count(figures.requestsPerSecond),
      decimal(figures.p50Ms, 2),
      decimal(figures.p99Ms, 2),
      decimal(figures.serverMicros, 0),
      decimal(figures.databaseMicros, 0),
      decimal(figures.clientMicros, 0),
    ]
  })
  const steadyRows = [
    ['durable, over HTTP', steady.durable] as const,
    ['bare single-row commit', steady.bareCommit] as const,
  ].map(([label, { p50Ms, p99Ms, maxMs }]) => [label, ...[p50Ms, p99Ms, maxMs].map((ms) => decimal(ms, 2))])
  return [
    machineLine(machine),
    `${options.gateway}, ${options.connections} connections, ${count(options.body)} B bodies, medians of ${options.rounds} rounds of ${options.seconds} s`,
    '',
    table(
      [
        'as fast as it goes',
        'requests/s',
        'p50 ms',
        'p99 ms',
        'server µs',
        'database µs',
        'client µs a request',
      ],
      rows,
    ),
    '',
    table(
      [`at ${count(options.rate)} a second, medians of ${options.turns} turns`, 'p50 ms', 'p99 ms', 'max ms'],
      steadyRows,
    ),
    '',
    `  durableToBare ${decimal(durableToBare, 2)}`,
  ].join('\n')
}
