import type { DataHost } from '../../db/embedded/data-host.ts'
import { countRows } from '../data.ts'
import { WrongResult } from '../report.ts'
import { count, decimal, table } from '../table.ts'
import { type Contender, LABELS } from './contender.ts'
import { type Effort, inRounds, type Part } from './part.ts'
import { measureDrive, openSockets, withStage } from './stage.ts'

export interface PrivateOptions extends Effort {
  /** Each has one socket. */
  readonly users: number
}

type Figures = Record<
  | 'perCpuSecond'
  | 'perSecond'
  | 'senderMicros'
  | 'holderMicros'
  | 'databaseMicros'
  | 'redisMicros'
  | 'clientMicros',
  number
>

const CONTENDERS: readonly Contender[] = ['io-pubsub', 'io-sharded', 'io-streams', 'ours']
/** What the service's workers take into one transaction, and eight of them at once. */
const BATCH = 50
const IN_FLIGHT = 8 * BATCH
const WARM_UP_SECONDS = 4
const SENDER = 0
const HOLDER = 1

/** Messages to single users, sent by the process that does not hold their sockets. */
export async function measurePrivate(host: DataHost, options: PrivateOptions): Promise<Part> {
  const { rounds, users, seconds } = options
  const result = await inRounds(
    CONTENDERS,
    rounds,
    (contender) => measureContender(host, contender, options),
    ({ perCpuSecond, perSecond }) =>
      `${count(perCpuSecond)} messages a server-CPU-second, ${count(perSecond)} a second`,
  )
  const rows = CONTENDERS.map((contender) => {
    const figures = result[contender]
    return [
      `${LABELS[contender]}${contender === 'ours' ? ', history in the database' : ''}`,
      count(figures.perCpuSecond),
      count(figures.perSecond),
      ...[
        figures.senderMicros,
        figures.holderMicros,
        figures.databaseMicros,
        figures.redisMicros,
        figures.clientMicros,
      ].map((micros) => decimal(micros, 1)),
    ]
  })
  const oursTo = (contender: Contender) => result.ours.perCpuSecond / result[contender].perCpuSecond
  return {
    name: 'private',
    result: { users, seconds, contenders: result },
    text: table(
      [
        `private messages, ${count(users)} users`,
        'a server-CPU s',
        'a second',
        'sender µs',
        'holder µs',
        'database µs',
        'redis µs',
        'client µs a message',
      ],
      rows,
    ),
    goals: [
      { name: 'privateToPubsub', value: oursTo('io-pubsub'), atLeast: 1.8 },
      { name: 'privateToStreamsWithRecovery', value: oursTo('io-streams'), atLeast: 1.8 },
    ],
  }
}

function measureContender(host: DataHost, contender: Contender, options: PrivateOptions): Promise<Figures> {
  const { users, seconds } = options
  return withStage(host, { contender, processes: 2 }, async (stage) => {
    await openSockets(stage, users, 'each', { ports: [stage.ports[HOLDER] ?? 0] })
    const shape = { batch: BATCH, inFlight: IN_FLIGHT, users, audience: 1 }
    const warmed = await measureDrive(host, stage, SENDER, { ...shape, seconds: WARM_UP_SECONDS })
    const driven = await measureDrive(host, stage, SENDER, { ...shape, seconds })
    const { messages } = driven
    if (contender === 'ours') {
      const stored = await countRows(stage.database.pool, 'feed_messages')
      if (stored !== warmed.messages + messages)
        throw new WrongResult(`${warmed.messages + messages} messages sent, ${stored} in the feeds`)
    }
    return {
      perCpuSecond: (messages * 1e6) / driven.serverMicros,
      perSecond: messages / driven.seconds,
      senderMicros: driven.senderMicros / messages,
      holderMicros: (driven.serverMicros - driven.senderMicros) / messages,
      databaseMicros: driven.databaseMicros / messages,
      redisMicros: driven.redisMicros / messages,
      clientMicros: driven.clientMicros / messages,
    }
  })
}
