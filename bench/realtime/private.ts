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

/** The service twice: as it tells of payments, and as it tells of positions, which nobody keeps. */
const VARIANTS = ['io-pubsub', 'io-sharded', 'io-streams', 'ours', 'ours, nothing kept'] as const
type Variant = (typeof VARIANTS)[number]
/** What the service's workers take into one transaction, and eight of them at once. */
const BATCH = 50
const IN_FLIGHT = 8 * BATCH
const WARM_UP_SECONDS = 3
const SENDER = 0
const HOLDER = 1

/** Messages to single users, sent by the process that does not hold their sockets. */
export async function measurePrivate(host: DataHost, options: PrivateOptions): Promise<Part> {
  const { rounds, users, seconds } = options
  const result = await inRounds(
    VARIANTS,
    rounds,
    (variant) => measureVariant(host, variant, options),
    ({ perCpuSecond, perSecond }) =>
      `${count(perCpuSecond)} messages a server-CPU-second, ${count(perSecond)} a second`,
  )
  const rows = VARIANTS.map((variant) => {
    const figures = result[variant]
    return [
      labelOf(variant),
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
  const oursTo = (variant: Variant) => result.ours.perCpuSecond / result[variant].perCpuSecond
  const unkeptToPubsub = result['ours, nothing kept'].perCpuSecond / result['io-pubsub'].perCpuSecond
  return {
    name: 'private',
    result: { users, seconds, contenders: result, unkeptToPubsub },
    text: `${table(
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
    )}

  with nothing kept on either side: ${decimal(unkeptToPubsub, 2)} × the Redis adapter`,
    goals: [
      { name: 'privateToPubsub', value: oursTo('io-pubsub'), atLeast: 1.8 },
      { name: 'privateToStreamsWithRecovery', value: oursTo('io-streams'), atLeast: 1.8 },
    ],
  }
}

function labelOf(variant: Variant): string {
  if (variant === 'ours') return `${LABELS.ours}, history in the database`
  return variant === 'ours, nothing kept' ? `${LABELS.ours}, nothing kept` : LABELS[variant]
}

function measureVariant(host: DataHost, variant: Variant, options: PrivateOptions): Promise<Figures> {
  const contender: Contender = variant === 'ours, nothing kept' ? 'ours' : variant
  const { users, seconds } = options
  return withStage(host, { contender, processes: 2 }, async (stage) => {
    await openSockets(stage, users, 'each', { ports: [stage.ports[HOLDER] ?? 0] })
    const areKept = contender === variant
    const shape = { batch: BATCH, inFlight: IN_FLIGHT, users, areKept, audience: 1 }
    const warmed = await measureDrive(host, stage, SENDER, { ...shape, seconds: WARM_UP_SECONDS })
    const driven = await measureDrive(host, stage, SENDER, { ...shape, seconds })
    const { messages } = driven
    if (variant === 'ours') {
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
