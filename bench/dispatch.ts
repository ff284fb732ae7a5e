import { Command } from 'commander'
import { DEFAULT_SETTINGS } from '../src/matching/dispatch/settings.ts'
import { DISPATCH_POLICIES, type DispatchPolicy } from '../src/matching/trips/trip.ts'
import { playEvening } from './dispatch/evening.ts'
import { type Evening, meanEvening } from './dispatch/figures.ts'
import { processorLine } from './machine.ts'
import { type Goal, type Output, progress, publish, runBenchmark } from './report.ts'
import { decimal, table } from './table.ts'

interface Options extends Output {
  readonly drivers: number
  readonly minutes: number
  readonly seeds: number
  readonly window: number
}

/** Requests a minute for a hundred drivers: half of what they can drive, about all of it, and half as much again. */
const SUPPLIES = { slack: 4, balanced: 6, short: 9 } as const
type Supply = keyof typeof SUPPLIES

const command = new Command('bench:dispatch')
  .description('How well the policies find drivers: the same requests, drivers and moods for each of them.')
  .option('--drivers <n>', 'drivers in a city of 12 × 12 km', Number, 300)
  .option('--minutes <n>', 'in which riders ask', Number, 60)
  .option('--seeds <n>', 'evenings of each kind', Number, 5)
  .option('--window <ms>', 'of batch', Number, DEFAULT_SETTINGS.windowMs)
  .option('--json', 'print one JSON document', false)
  .option('--check', 'exit with 1 when a goal is missed', false)

interface Row {
  readonly supply: Supply
  readonly policy: DispatchPolicy
  readonly evening: Evening
}

function main(options: Options): void {
  const rows: Row[] = []
  for (const supply of Object.keys(SUPPLIES) as Supply[])
    for (const policy of DISPATCH_POLICIES) {
      progress(`${supply}, ${policy}`)
      rows.push({ supply, policy, evening: meanOfSeeds(options, supply, policy) })
    }
  const machine = processorLine()
  const { drivers, minutes, seeds, window } = options
  const document = { benchmark: 'dispatch', machine, settings: { drivers, minutes, seeds, window }, rows }
  publish(options, document, describe(machine, options, rows), goalsOf(rows))
}

function meanOfSeeds(options: Options, supply: Supply, policy: DispatchPolicy): Evening {
  const { drivers, minutes, seeds, window } = options
  const perMinute = (SUPPLIES[supply] * drivers) / 100
  const settings = { ...DEFAULT_SETTINGS, policy, windowMs: window }
  const evenings = Array.from({ length: seeds }, (_, seed) =>
    playEvening({ seed: seed + 1, drivers, perMinute, minutes, settings }),
  )
  return meanEvening(evenings)
}

const HEADINGS = [
  ...['supply', 'policy', 'served %', 'pickup km', 'p95', 'worst'],
  ...['match s', 'p95', 'worst', 'offers', 'Gini', '÷ best'],
]

function describe(machine: string, { drivers, minutes, seeds }: Options, rows: readonly Row[]): string {
  const lines = rows.map(({ supply, policy, evening }) => {
    const { servedPercent, pickupMeters, matchSeconds, offersPerTrip, workGini, toOptimum } = evening
    const { mean, p95, worst } = pickupMeters
    return [
      `${supply} (${(SUPPLIES[supply] * drivers) / 100}/min)`,
      policy,
      decimal(servedPercent, 1),
      ...[mean, p95, worst].map((meters) => decimal(meters / 1_000, 2)),
      decimal(matchSeconds.mean, 1),
      ...[matchSeconds.p95, matchSeconds.worst].map((seconds) => decimal(seconds, 0)),
      ...[offersPerTrip, workGini, toOptimum].map((value) => decimal(value, 2)),
    ]
  })
  const head = `${machine}; ${drivers} drivers, ${minutes} minutes, means of ${seeds} evenings, the worst of all`
  return [head, '', table(HEADINGS, lines)].join('\n')
}

function goalsOf(rows: readonly Row[]): readonly Goal[] {
  const short = (policy: DispatchPolicy) =>
    rows.find((row) => row.supply === 'short' && row.policy === policy)?.evening
  const [batch, broadcast] = [short('batch'), short('broadcast')]
  if (batch === undefined || broadcast === undefined) return []
  const pickup = batch.pickupMeters.mean / broadcast.pickupMeters.mean
  return [
    { name: 'short supply: pickup of batch ÷ broadcast', value: pickup, atMost: 0.8 },
    {
      name: 'short supply: served % of batch − broadcast',
      value: batch.servedPercent - broadcast.servedPercent,
      atLeast: 0,
    },
  ]
}

await runBenchmark(async () => main(command.parse().opts<Options>()))
