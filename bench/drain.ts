import { Command, Option } from 'commander'
import type { DataHost } from '../db/embedded/data-host.ts'
import type { Id } from '../src/base/ids.ts'
import { IDS_PER_JOB } from '../src/outbox/ring.ts'
import { newSecret } from '../src/webhooks/gateways/samples/samples.ts'
import { registerPayments, storeCaptures, verifyCaptures } from './backlog.ts'
import { startChild } from './child.ts'
import { watchCpu } from './cpu.ts'
import { emptyRedis, withDatabase, withDataHost } from './data.ts'
import type { DrainOrder } from './drain-worker.ts'
import { describeMachine, type Machine, machineLine } from './machine.ts'
import { type Output, progress, publish, runBenchmark } from './report.ts'
import { medians } from './statistics.ts'
import { count, decimal, table } from './table.ts'

interface Options extends Output {
  readonly events: number
  readonly sample: number
  readonly rounds: number
  readonly engine: 'mariadb' | 'mysql' | 'auto'
}

const GATEWAY = 'stripe'

/** The ways to drain that are compared. */
const WAYS = {
  direct: { label: 'direct, 1 event a transaction, 16 at once', concurrency: 16, idsPerJob: null },
  queueOne: { label: 'BullMQ, 1 event a job, 16 workers', concurrency: 16, idsPerJob: 1 },
  drain: {
    label: `the service: ${IDS_PER_JOB} events a job, 8 workers`,
    concurrency: 8,
    idsPerJob: IDS_PER_JOB,
  },
} as const satisfies Record<string, Pick<DrainOrder, 'concurrency' | 'idsPerJob'> & { label: string }>

type Way = keyof typeof WAYS

type Figures = Record<'eventsPerSecond' | 'nodeMicros' | 'databaseMicros' | 'redisMicros', number>

const command = new Command('bench:drain')
  .description(
    'Drains a backlog of captures three ways and compares the rates. Verifies the ledger after each.',
  )
  .option('--events <n>', 'backlog for both ways through the queue', Number, 100_000)
  .option('--sample <n>', 'backlog for the direct way, which is slow', Number, 20_000)
  .option('--rounds <n>', 'repeat all ways and take medians', Number, 1)
  .addOption(
    new Option('--engine <engine>', 'database engine').choices(['auto', 'mariadb', 'mysql']).default('auto'),
  )
  .option('--json', 'print one JSON document', false)
  .option('--check', 'exit with 1 when a goal is missed', false)

await runBenchmark(() => main(command.parse().opts<Options>()))

async function main(options: Options): Promise<void> {
  const { machine, figures } = await withDataHost(options, (host) => measure(host, options))
  const ratios = {
    queueOneToDirect: figures.queueOne.eventsPerSecond / figures.direct.eventsPerSecond,
    drainToDirect: figures.drain.eventsPerSecond / figures.direct.eventsPerSecond,
  }
  const { events, sample, rounds } = options
  const document = { benchmark: 'drain', machine, events, sample, rounds, ways: figures, ...ratios }
  publish(options, document, describe(machine, figures, options), [
    { name: 'queueOneToDirect', value: ratios.queueOneToDirect, atLeast: 0.7 },
    { name: 'drainToDirect', value: ratios.drainToDirect, atLeast: 3 },
  ])
}

async function measure(host: DataHost, options: Options) {
  const machine = await withDatabase(host, ({ pool }) => describeMachine(host, pool))
  const taken: Record<Way, Figures[]> = { direct: [], queueOne: [], drain: [] }
  for (let round = 1; round <= options.rounds; round += 1) {
    for (const way of Object.keys(WAYS) as Way[]) {
      const figures = await drainOnce(host, way, way === 'direct' ? options.sample : options.events)
      progress(`round ${round}: ${WAYS[way].label}: ${count(figures.eventsPerSecond)} events/s`)
      taken[way].push(figures)
    }
  }
  const figures = {
    direct: medians(taken.direct),
    queueOne: medians(taken.queueOne),
    drain: medians(taken.drain),
  }
  return { machine, figures }
}

/** One backlog, one way, verified. */
function drainOnce(host: DataHost, way: Way, events: number): Promise<Figures> {
  return withDatabase(host, async ({ address, pool }) => {
    progress(`storing ${count(events)} events …`)
    await registerPayments(pool, GATEWAY, way, events)
    const ids = await storeCaptures(pool, GATEWAY, newSecret(GATEWAY), way, events)
    await emptyRedis(host)
    const worker = startChild('./drain-worker.ts')
    try {
      const { concurrency, idsPerJob } = WAYS[way]
      const order: DrainOrder = { database: address, redis: host.redis, concurrency, idsPerJob }
      await worker.ask('prepare', order)
      const cpu = watchCpu({ node: worker.pid, database: host.mysqlPid, redis: host.redisPid })
      const { seconds } = await worker.ask<{ seconds: number }>('drain', joined(ids))
      const used = cpu()
      await verifyCaptures(pool, events)
      return {
        eventsPerSecond: events / seconds,
        nodeMicros: used.node / events,
        databaseMicros: used.database / events,
        redisMicros: used.redis / events,
      }
    } finally {
      await worker.end()
    }
  })
}

function joined(ids: readonly Id[]): Uint8Array {
  return new Uint8Array(Buffer.concat(ids))
}

function describe(
  machine: Machine,
  figures: Record<Way, Figures>,
  { events, sample, rounds }: Options,
): string {
  const rows = (Object.keys(WAYS) as Way[]).map((way) => {
    const { eventsPerSecond, nodeMicros, databaseMicros, redisMicros } = figures[way]
    const all = nodeMicros + databaseMicros + redisMicros
    return [
      WAYS[way].label,
      count(eventsPerSecond),
      ...[nodeMicros, databaseMicros, redisMicros, all].map((micros) => decimal(micros, 0)),
    ]
  })
  return [
    machineLine(machine),
    `backlog ${count(events)} events (direct: ${count(sample)}), rounds ${rounds}; each event captures a payment of its own`,
    '',
    table(['way', 'events/s', 'node µs', 'database µs', 'redis µs', 'all µs an event'], rows),
  ].join('\n')
}
