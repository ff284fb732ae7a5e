import type { DataHost } from '../../db/embedded/data-host.ts'
import { count, decimal, table } from '../table.ts'
import { type Contender, dialectOf, LABELS } from './contender.ts'
import { type Effort, inRounds, type Part } from './part.ts'
import type { StormOrder, StormReport } from './sockets-client.ts'
import { JWT_SECRET, watchServers, withStage } from './stage.ts'

export interface HandshakeOptions extends Effort {
  /** Handshakes at once. */
  readonly inFlight: number
}

type Figures = Record<
  | 'perSecond'
  | 'perCpuSecond'
  | 'p50Ms'
  | 'p99Ms'
  | 'serverMicros'
  | 'databaseMicros'
  | 'redisMicros'
  | 'clientMicros',
  number
>

const CONTENDERS: readonly Contender[] = ['bare', 'io', 'ours']
const USERS = 5_000
const WARM_UP_SECONDS = 3

/** From the connect until the greeting, one process: token, limits and first state; then the socket leaves. */
export async function measureHandshakes(host: DataHost, options: HandshakeOptions): Promise<Part> {
  const { rounds, seconds, inFlight } = options
  const result = await inRounds(
    CONTENDERS,
    rounds,
    (contender) => measureContender(host, contender, options),
    ({ perSecond, perCpuSecond, p99Ms }) =>
      `${count(perSecond)} handshakes a second, ${count(perCpuSecond)} a server-CPU-second, p99 ${decimal(p99Ms, 1)} ms`,
  )
  const rows = CONTENDERS.map((contender) => {
    const figures = result[contender]
    return [
      LABELS[contender],
      count(figures.perSecond),
      count(figures.perCpuSecond),
      ...[figures.p50Ms, figures.p99Ms].map((ms) => decimal(ms, 1)),
      ...[figures.serverMicros, figures.databaseMicros, figures.redisMicros, figures.clientMicros].map(
        (micros) => decimal(micros, 0),
      ),
    ]
  })
  return {
    name: 'handshakes',
    result: { inFlight, seconds, contenders: result },
    text: table(
      [
        `handshakes, ${inFlight} at once`,
        'a second',
        'a server-CPU s',
        'p50 ms',
        'p99 ms',
        'server µs',
        'database µs',
        'redis µs',
        'client µs each',
      ],
      rows,
    ),
    goals: [
      { name: 'handshakesToSocketIo', value: result.ours.perSecond / result.io.perSecond, atLeast: 2.5 },
      {
        name: 'handshakesPerCpuSecondToSocketIo',
        value: result.ours.perCpuSecond / result.io.perCpuSecond,
        atLeast: 2.5,
      },
    ],
  }
}

function measureContender(
  host: DataHost,
  contender: Contender,
  { seconds, inFlight }: HandshakeOptions,
): Promise<Figures> {
  return withStage(host, { contender, processes: 1 }, async (stage) => {
    const order: StormOrder = {
      ports: stage.ports,
      dialect: dialectOf(contender),
      secret: JWT_SECRET,
      seconds: WARM_UP_SECONDS,
      inFlight,
      users: USERS,
    }
    await stage.client.ask('storm', order)
    const cpu = watchServers(host, stage)
    const report = await stage.client.ask<StormReport>('storm', { ...order, seconds })
    const used = cpu()
    const { handshakes, p50Ms, p99Ms } = report
    return {
      perSecond: handshakes / report.seconds,
      perCpuSecond: (handshakes * 1e6) / used.serverMicros,
      p50Ms,
      p99Ms,
      serverMicros: used.serverMicros / handshakes,
      databaseMicros: used.databaseMicros / handshakes,
      redisMicros: used.redisMicros / handshakes,
      clientMicros: used.clientMicros / handshakes,
    }
  })
}
