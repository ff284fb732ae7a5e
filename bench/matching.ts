import { Command, Option } from 'commander'
import type { DataHost } from '../db/embedded/data-host.ts'
import { withDatabase, withDataHost } from './data.ts'
import { describeMachine, machineLine } from './machine.ts'
import { measureAccepts } from './matching-accepts.ts'
import { measureLocations } from './matching-locations.ts'
import { measureOffers } from './matching-offers.ts'
import { describeSolving, measureSolving, solvingGoals } from './matching-solve.ts'
import type { Part } from './realtime/part.ts'
import { type Output, publish, runBenchmark } from './report.ts'
import { count, decimal } from './table.ts'

const PART_NAMES = ['solve', 'locations', 'offers', 'accepts'] as const
type PartName = (typeof PART_NAMES)[number]

interface Options extends Output {
  readonly rounds: number
  readonly seconds: number
  readonly parts: readonly PartName[]
  readonly drivers: number
  readonly tellers: number
  readonly requests: number
  readonly rate: number
  readonly trips: number
  readonly connections: number
  readonly engine: 'mariadb' | 'mysql' | 'auto'
}

const PARTS: Readonly<Record<PartName, (host: DataHost, options: Options) => Promise<Part>>> = {
  solve: async () => {
    const solving = await measureSolving()
    return { name: 'solve', result: solving, text: describeSolving(solving), goals: solvingGoals(solving) }
  },
  locations: async (host, { rounds, seconds, tellers }) => {
    const figures = await measureLocations(host, { rounds, seconds, drivers: tellers })
    const text =
      `${count(figures.drivers)} drivers tell once a second where they are: ${count(figures.perCpuSecond)} positions a CPU ` +
      `second up to Redis, bare ws ${count(figures.barePerCpuSecond)}; Redis ${decimal(figures.redisMicros, 1)} µs each`
    const goals = [{ name: 'locationsToBare', value: figures.locationsToBare, atLeast: 0.5 }]
    return { name: 'locations', result: figures, text, goals }
  },
  offers: async (host, { rounds, drivers, requests, rate: requestsPerSecond }) => {
    const figures = await measureOffers(host, { rounds, drivers, requests, requestsPerSecond })
    const text =
      `request to offer on a driver's socket, ${count(figures.drivers)} drivers online, ${requestsPerSecond} requests a second: ` +
      `p50 ${decimal(figures.p50Ms, 1)} ms, p99 ${decimal(figures.p99Ms, 1)}, longest ${decimal(figures.maxMs, 1)}; ` +
      `${decimal(figures.cpuMicrosPerRequest / 1_000, 1)} ms of processor time a request, with the drivers' positions`
    return { name: 'offers', result: figures, text, goals: [] }
  },
  accepts: async (host, { rounds, trips, drivers, connections }) => {
    const figures = await measureAccepts(host, { rounds, trips, drivers, connections })
    const text =
      `acceptances, ${count(drivers)} drivers online: ${count(figures.acceptsPerSecond)} a second; the same ` +
      `${figures.statements} round trips by a bare client ${count(figures.barePerSecond)}`
    const goals = [{ name: 'acceptsToBare', value: figures.acceptsToBare, atLeast: 0.7 }]
    return { name: 'accepts', result: figures, text, goals }
  },
}

const command = new Command('bench:matching')
  .description(
    'What matching costs: how long windows of batch take and what they keep waiting, positions of drivers up to Redis beside a ' +
      "bare ws loop, from a request to the offer on a driver's socket, acceptances beside the same statements run bare.",
  )
  .option('--rounds <n>', 'interleaved rounds; medians are shown', Number, 3)
  .option('--seconds <n>', 'of each measurement of positions', Number, 10)
  .addOption(new Option('--parts <name...>', 'only these').choices(PART_NAMES).default([...PART_NAMES]))
  .option('--drivers <n>', 'online in one city', Number, 20_000)
  .option('--tellers <n>', 'drivers who tell once a second where they are', Number, 5_000)
  .option('--requests <n>', 'rides that are asked for in a round', Number, 200)
  .option('--rate <n>', 'requests a second', Number, 10)
  .option('--trips <n>', 'that are accepted in a round', Number, 2_000)
  .option('--connections <n>', 'acceptances in flight', Number, 8)
  .addOption(
    new Option('--engine <engine>', 'database engine').choices(['auto', 'mariadb', 'mysql']).default('auto'),
  )
  .option('--json', 'print one JSON document', false)
  .option('--check', 'exit with 1 when a goal is missed', false)

await runBenchmark(async () => {
  const options = command.parse().opts<Options>()
  await withDataHost({ engine: options.engine, bufferPoolMb: 1_024 }, async (host) => {
    const machine = await withDatabase(host, ({ pool }) => describeMachine(host, pool))
    const parts: Part[] = []
    for (const name of options.parts) parts.push(await PARTS[name](host, options))
    const results = Object.fromEntries(parts.map(({ name, result }) => [name, result]))
    const text = [machineLine(machine), ...parts.map((part) => `\n${part.text}`)].join('\n')
    const goals = parts.flatMap((part) => part.goals)
    publish(options, { benchmark: 'matching', machine, ...results }, text, goals)
  })
})
