import type { DataHost } from '../../db/embedded/data-host.ts'
import { count, decimal, table } from '../table.ts'
import { type Contender, LABELS } from './contender.ts'
import { type Effort, inRounds, type Part } from './part.ts'
import { type Driven, measureDrive, openSockets, withStage } from './stage.ts'

export interface FanoutOptions extends Effort {
  /** On each process. */
  readonly sockets: number
}

type Figures = Record<
  `${'one' | 'eight'}${'PerCpuSecond' | 'PerSecond' | 'RedisMicros' | 'ClientMicros'}`,
  number
>

/** The ceiling is of one process, since a bare loop has no second. */
const CONTENDERS: readonly Contender[] = ['bare', 'io-pubsub', 'io-sharded', 'ours']
const WARM_UP_SECONDS = 1.5

/** One channel that every socket of two processes hears; one of the processes sends. */
export async function measureFanout(host: DataHost, options: FanoutOptions): Promise<Part> {
  const { rounds, seconds, sockets } = options
  const result = await inRounds(
    CONTENDERS,
    rounds,
    (contender) => measureContender(host, contender, options),
    ({ onePerCpuSecond, eightPerCpuSecond }) =>
      `${count(onePerCpuSecond)} deliveries a server-CPU-second, ${count(eightPerCpuSecond)} with 8 in flight`,
  )
  const oursToSharded = {
    one: result.ours.onePerCpuSecond / result['io-sharded'].onePerCpuSecond,
    eight: result.ours.eightPerCpuSecond / result['io-sharded'].eightPerCpuSecond,
  }
  const rows = CONTENDERS.map((contender) => {
    const figures = result[contender]
    return [
      LABELS[contender],
      count(figures.onePerCpuSecond),
      count(figures.onePerSecond),
      count(figures.eightPerCpuSecond),
      count(figures.eightPerSecond),
      decimal(figures.eightRedisMicros, 0),
      decimal(figures.eightClientMicros, 2),
    ]
  })
  return {
    name: 'fanout',
    result: { sockets, seconds, contenders: result, oursToSharded },
    text: `${table(
      [
        `one channel, ${count(sockets)} sockets a process`,
        '1 in flight: a CPU s',
        'a second',
        '8 in flight: a CPU s',
        'a second',
        'redis µs a message',
        'client µs a delivery',
      ],
      rows,
    )}

  with 1 in flight, where everybody writes to each socket once a message: ${decimal(oursToSharded.one, 2)} × sharded`,
    goals: [{ name: 'fanoutToSharded', value: oursToSharded.eight, atLeast: 5 }],
  }
}

function measureContender(
  host: DataHost,
  contender: Contender,
  { sockets, seconds }: FanoutOptions,
): Promise<Figures> {
  const processes = contender === 'bare' ? 1 : 2
  return withStage(host, { contender, processes, isUnlimited: true }, async (stage) => {
    await openSockets(stage, sockets * processes, 'one')
    const audience = sockets * processes
    const run = (inFlight: number, lasting: number) =>
      measureDrive(host, stage, 0, {
        seconds: lasting,
        batch: inFlight,
        inFlight,
        users: null,
        areKept: false,
        audience,
      })
    await run(8, WARM_UP_SECONDS)
    await run(1, WARM_UP_SECONDS)
    return {
      ...figuresOf('one', await run(1, seconds)),
      ...figuresOf('eight', await run(8, seconds)),
    } as Figures
  })
}

function figuresOf(name: 'one' | 'eight', driven: Driven) {
  const { deliveries, messages, seconds, serverMicros, redisMicros, clientMicros } = driven
  return {
    [`${name}PerCpuSecond`]: (deliveries * 1e6) / serverMicros,
    [`${name}PerSecond`]: deliveries / seconds,
    [`${name}RedisMicros`]: redisMicros / messages,
    [`${name}ClientMicros`]: clientMicros / deliveries,
  }
}
