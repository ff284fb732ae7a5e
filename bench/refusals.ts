import { Command } from 'commander'
import type { Delivery } from '../src/webhooks/gateways/adapter.ts'
import { adapters } from '../src/webhooks/gateways/registry.ts'
import { Target } from '../test/support/attacks.ts'
import { nearMiss, withSignature } from '../test/support/signatures.ts'
import { processorLine } from './machine.ts'
import { type Output, progress, publish, runBenchmark, WrongResult } from './report.ts'
import { median } from './statistics.ts'
import { decimal, table } from './table.ts'

interface Options extends Output {
  readonly rounds: number
  readonly each: number
}

const command = new Command('bench:refusals')
  .description(
    'The time in which each adapter refuses a signature of which nothing, half, or all but the last byte is right, in turns, ' +
      'beside two signatures of which nothing is right: their difference is the noise.',
  )
  .option('--rounds <n>', 'interleaved rounds; medians are shown', Number, 2_000)
  .option('--each <n>', 'refusals of one turn', Number, 20)
  .option('--json', 'print one JSON document', false)
  .option('--check', 'without effect: there is no goal', false)

/** How much of the signature is right; the last one stands for nothing again. */
const KEPT = { none: 0, half: 0.5, last: 1, again: 0 } as const
/** By then the code is compiled. */
const WARM_TURNS = 100
type Name = keyof typeof KEPT
const NAMES = Object.keys(KEPT) as Name[]

/** Nanoseconds of one refusal, and by how much the others took longer; medians of the differences within each round. */
interface Figures {
  readonly gateway: string
  readonly refusalNs: number
  readonly halfNs: number
  readonly lastNs: number
  readonly noiseNs: number
  /** Half of all rounds' differences of two equal inputs lie within this of nothing. */
  readonly spreadNs: number
}

function main(options: Options): void {
  const figures = [...adapters.keys()].sort().map((gateway) => {
    progress(gateway)
    return measure(gateway, options)
  })
  const machine = processorLine()
  publish(
    options,
    { benchmark: 'refusals', machine, settings: { ...options }, figures },
    describe(machine, figures),
    [],
  )
}

function measure(gateway: string, { rounds, each }: Options): Figures {
  const target = new Target(gateway)
  const genuine = target.genuine()
  const near = (name: Name): Delivery =>
    withSignature(gateway, genuine, (signature) => nearMiss(signature, KEPT[name]))
  const deliveries = new Map(NAMES.map((name) => [name, near(name)]))
  for (const delivery of deliveries.values())
    if (target.receive(delivery).kind !== 'refused')
      throw new WrongResult(`${gateway} takes a wrong signature`)
  const turn = (name: Name) => nanosOf(target, deliveries.get(name) ?? genuine, each)
  for (let warm = 0; warm < WARM_TURNS; warm += 1) for (const name of NAMES) turn(name)
  const runs = Array.from({ length: rounds }, (_, round) => {
    // Each comes first, second, third and last equally often.
    const order = NAMES.map((_, place) => NAMES[(place + round) % NAMES.length] ?? 'none')
    const times = new Map(order.map((name) => [name, turn(name)]))
    return (name: Name) => times.get(name) ?? 0
  })
  const differences = (name: Name) => runs.map((run) => run(name) - run('none'))
  return {
    gateway,
    refusalNs: median(runs.map((run) => run('none'))),
    halfNs: median(differences('half')),
    lastNs: median(differences('last')),
    noiseNs: median(differences('again')),
    spreadNs: median(differences('again').map(Math.abs)),
  }
}

/** Of one refusal. The kernel counts processor time in milliseconds, so a clock is read; turns are so short that few are interrupted. */
function nanosOf(target: Target, delivery: Delivery, times: number): number {
  const start = process.hrtime.bigint()
  for (let index = 0; index < times; index += 1) target.receive(delivery)
  return Number(process.hrtime.bigint() - start) / times
}

function describe(machine: string, figures: readonly Figures[]): string {
  const rows = figures.map((one) => [
    one.gateway,
    decimal(one.refusalNs / 1_000, 2),
    decimal(one.halfNs, 0),
    decimal(one.lastNs, 0),
    decimal(one.noiseNs, 0),
    decimal(one.spreadNs, 0),
  ])
  const columns = [
    'gateway',
    'refusal µs',
    'half right, ns more',
    'all but one',
    'equal inputs',
    'their spread',
  ]
  return [machine, '', table(columns, rows)].join('\n')
}

await runBenchmark(async () => main(command.parse().opts<Options>()))
