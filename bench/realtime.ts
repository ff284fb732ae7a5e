import { Command, Option } from 'commander'
import type { DataHost } from '../db/embedded/data-host.ts'
import { withDatabase, withDataHost } from './data.ts'
import { describeMachine, machineLine } from './machine.ts'
import { measureFanout } from './realtime/fanout.ts'
import { measureHandshakes } from './realtime/handshakes.ts'
import { measureIdle } from './realtime/idle.ts'
import type { Part } from './realtime/part.ts'
import { measurePrivate } from './realtime/private.ts'
import { measureStalled } from './realtime/stalled.ts'
import { measureWebhooks } from './realtime/webhooks.ts'
import { type Output, publish, runBenchmark } from './report.ts'

const PART_NAMES = ['fanout', 'private', 'idle', 'handshakes', 'stalled', 'webhooks'] as const
type PartName = (typeof PART_NAMES)[number]

interface Options extends Output {
  readonly rounds: number
  readonly seconds: number
  readonly parts: readonly PartName[]
  readonly sockets: number
  readonly idle: number
  readonly inFlight: number
  readonly pushed: number
  readonly turns: number
  readonly turnSeconds: number
  readonly messages: number
  readonly webhooks: number
  readonly engine: 'mariadb' | 'mysql' | 'auto'
}

const PARTS: Readonly<Record<PartName, (host: DataHost, options: Options) => Promise<Part>>> = {
  fanout: (host, options) => measureFanout(host, options),
  private: (host, options) => measurePrivate(host, { ...options, users: options.sockets }),
  idle: (host, options) => measureIdle(host, { ...options, sockets: options.idle }),
  handshakes: (host, options) => measureHandshakes(host, options),
  stalled: (host, options) => measureStalled(host, { ...options, pushedMb: options.pushed }),
  webhooks: (host, options) =>
    measureWebhooks(host, {
      turns: options.turns,
      turnSeconds: options.turnSeconds,
      sockets: options.sockets,
      messagesPerSocketSecond: options.messages,
      webhooksPerSecond: options.webhooks,
    }),
}

const command = new Command('bench:realtime')
  .description(
    'The service against a bare ws loop and Socket.IO, in one run on one machine: fan-out and private messages over two ' +
      'processes, memory of idle sockets, handshakes, a reader that stalls. Every message is counted where it arrives.',
  )
  .option('--rounds <n>', 'interleaved rounds; medians are shown', Number, 3)
  .option('--seconds <n>', 'of each measurement', Number, 3)
  .addOption(new Option('--parts <name...>', 'only these').choices(PART_NAMES).default([...PART_NAMES]))
  .option('--sockets <n>', 'of a process in fan-out, and users of private messages', Number, 1_000)
  .option('--idle <n>', 'idle sockets', Number, 5_000)
  .option('--in-flight <n>', 'handshakes at once', Number, 64)
  .option('--pushed <mb>', 'to a socket that does not read', Number, 100)
  .option('--turns <n>', 'of webhooks alone and beside messages; medians are shown', Number, 7)
  .option('--turn-seconds <n>', 'of each', Number, 5)
  .option('--messages <n>', 'a second to every socket beside the webhooks', Number, 20)
  .option('--webhooks <n>', 'a second', Number, 200)
  .addOption(
    new Option('--engine <engine>', 'database engine').choices(['auto', 'mariadb', 'mysql']).default('auto'),
  )
  .option('--json', 'print one JSON document', false)
  .option('--check', 'exit with 1 when a goal is missed', false)

await runBenchmark(() => main(command.parse().opts<Options>()))

async function main(options: Options): Promise<void> {
  const { machine, parts } = await withDataHost(options, (host) => measure(host, options))
  publish(
    options,
    {
      benchmark: 'realtime',
      machine,
      settings: options,
      ...Object.fromEntries(parts.map(({ name, result }) => [name, result])),
    },
    [machineLine(machine), ...parts.map(({ text }) => text)].join('\n\n'),
    parts.flatMap(({ goals }) => goals),
  )
}

async function measure(host: DataHost, options: Options) {
  const machine = await withDatabase(host, ({ pool }) => describeMachine(host, pool))
  const parts: Part[] = []
  for (const name of options.parts) parts.push(await PARTS[name](host, options))
  return { machine, parts }
}
