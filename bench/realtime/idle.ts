import type { DataHost } from '../../db/embedded/data-host.ts'
import { count, decimal, table } from '../table.ts'
import { type Contender, LABELS } from './contender.ts'
import { type Effort, inRounds, type Part } from './part.ts'
import type { Memory } from './server.ts'
import { openSockets, type Stage, withStage } from './stage.ts'

export interface IdleOptions extends Pick<Effort, 'rounds'> {
  readonly sockets: number
}

type Figures = Record<'residentKb' | 'heapKb', number>

const CONTENDERS: readonly Contender[] = ['bare', 'io', 'ours']
/** Open already when the others come, so that what a first connection brings is no connection's share. */
const FIRST_SOCKETS = 1_000

/** What a socket costs that is authenticated, greeted and subscribed, and to which nobody says anything. */
export async function measureIdle(host: DataHost, { rounds, sockets }: IdleOptions): Promise<Part> {
  const result = await inRounds(
    CONTENDERS,
    rounds,
    (contender) =>
      withStage(host, { contender, processes: 1 }, async (stage): Promise<Figures> => {
        await openSockets(stage, FIRST_SOCKETS, 'each')
        const before = await memoryOf(stage)
        await openSockets(stage, sockets, 'each', { first: FIRST_SOCKETS })
        const after = await memoryOf(stage)
        return {
          residentKb: (after.resident - before.resident) / sockets / 1_024,
          heapKb: (after.heap - before.heap) / sockets / 1_024,
        }
      }),
    ({ residentKb, heapKb }) => `${decimal(residentKb, 1)} KB resident, ${decimal(heapKb, 1)} KB of the heap`,
  )
  const rows = CONTENDERS.map((contender) => [
    LABELS[contender],
    ...[result[contender].residentKb, result[contender].heapKb].map((kilobytes) => decimal(kilobytes, 1)),
  ])
  return {
    name: 'idle',
    result: { sockets, contenders: result },
    text: table([`${count(sockets)} idle sockets`, 'resident KB each', 'heap and external KB each'], rows),
    goals: [
      { name: 'idleResidentToBare', value: result.ours.residentKb / result.bare.residentKb, atMost: 1.4 },
      { name: 'idleHeapToBare', value: result.ours.heapKb / result.bare.heapKb, atMost: 1.4 },
    ],
  }
}

async function memoryOf({ servers: [server] }: Stage): Promise<Memory> {
  if (server === undefined) throw new Error('there is no server')
  return server.ask<Memory>('memory', null)
}
