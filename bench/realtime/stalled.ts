import { setTimeout as pause } from 'node:timers/promises'
import type { DataHost } from '../../db/embedded/data-host.ts'
import { BUDGET_BYTES } from '../../src/realtime/send-queue.ts'
import { type Child, startChild } from '../child.ts'
import { residentMibOf, watchResident } from '../memory.ts'
import { WrongResult } from '../report.ts'
import { count, decimal, table } from '../table.ts'
import { type Contender, dialectOf, LABELS } from './contender.ts'
import { type Effort, inRounds, type Part } from './part.ts'
import type { PushOrder } from './server.ts'
import { JWT_SECRET, type Stage, withStage } from './stage.ts'
import type { ReaderOrder, ReaderReport } from './stalled-client.ts'
import { userIdOf } from './tokens.ts'

export interface StalledOptions extends Pick<Effort, 'rounds'> {
  readonly pushedMb: number
}

/** `readingMib` and `stalledMib`: by how much the server's memory grew at most while a reader read, and while one did not. */
type Figures = Record<'readingMib' | 'stalledMib' | 'closedWith' | 'resumeSeconds', number>

const CONTENDERS: readonly Contender[] = ['bare', 'ours']
const PADDING = 4_096
/** For the garbage of messages on their way, which a reader who reads costs, too. */
const ALLOWED_BESIDE_CAP_MIB = 10
const READER = 0
const STALLED = 1
/** RFC 6455 7.1.5: the connection ended without a close frame. */
const CUT = 1_006
const TIMEOUT_MS = 120_000

/** 100 MB to a user whose phone takes nothing, and to one who reads: twice, since the first time compiles the code. Garbage is collected before each. */
export async function measureStalled(host: DataHost, options: StalledOptions): Promise<Part> {
  const { rounds, pushedMb } = options
  const result = await inRounds(
    CONTENDERS,
    rounds,
    (contender) => measureContender(host, contender, options),
    ({ readingMib, stalledMib, closedWith }) =>
      `${decimal(readingMib, 1)} MiB more for a reader, ${decimal(stalledMib, 1)} MiB for a stalled one, closed with ${closedWith}`,
  )
  const capMib = Object.values(BUDGET_BYTES).reduce((sum, bytes) => sum + bytes, 0) / 2 ** 20
  const rows = CONTENDERS.map((contender) => {
    const { readingMib, stalledMib, closedWith, resumeSeconds } = result[contender]
    return [
      LABELS[contender],
      decimal(readingMib, 1),
      decimal(stalledMib, 1),
      closedWith === 0 ? 'never' : String(closedWith),
      contender === 'ours' ? decimal(resumeSeconds, 1) : '–',
    ]
  })
  return {
    name: 'stalled',
    result: { pushedMb, capMib, contenders: result },
    text: table(
      [
        `${count(pushedMb)} MB to one socket`,
        'it reads: MiB more',
        'it does not: MiB more',
        'closed with',
        'all of it after since: s',
      ],
      rows,
    ),
    goals: [
      { name: 'stalledMibBeyondCap', value: result.ours.stalledMib - capMib, atMost: ALLOWED_BESIDE_CAP_MIB },
    ],
  }
}

function measureContender(host: DataHost, contender: Contender, options: StalledOptions): Promise<Figures> {
  return withStage(host, { contender, processes: contender === 'ours' ? 2 : 1 }, async (stage) => {
    const reader = startChild('./realtime/stalled-client.ts')
    try {
      return await measureWith(stage, reader, options)
    } finally {
      await reader.end()
    }
  })
}

async function measureWith(stage: Stage, reader: Child, { pushedMb }: StalledOptions): Promise<Figures> {
  const { contender, ports } = stage
  const sender = stage.servers[0] as Child
  const holder = stage.servers.at(-1) as Child
  const messages = Math.ceil((pushedMb * 1e6) / PADDING)
  const order = { port: ports.at(-1) ?? 0, dialect: dialectOf(contender), secret: JWT_SECRET }
  const open = (more: Pick<ReaderOrder, 'userIndex' | 'reads' | 'since'>) =>
    reader.ask('open', { ...order, ...more } satisfies ReaderOrder)
  const push = async (userIndex: number) => {
    await holder.ask('memory', null)
    const beforeMib = residentMibOf(holder.pid)
    const most = watchResident(holder.pid)
    const userId = contender === 'ours' ? userIdOf(userIndex) : null
    await sender.ask('push', { userId, messages, padding: PADDING } satisfies PushOrder)
    return most() - beforeMib
  }
  await open({ userIndex: READER, reads: true })
  await push(READER)
  await until(reader, (report) => report.messages === messages)
  const readingMib = await push(READER)
  await until(reader, (report) => report.messages === 2 * messages)
  await reader.ask('close', null)
  await open({ userIndex: STALLED, reads: false })
  const stalledMib = await push(STALLED)
  if (contender !== 'ours') return { readingMib, stalledMib, closedWith: 0, resumeSeconds: 0 }
  await reader.ask('readOn', null)
  const { closed, seq, disordered } = await until(reader, (report) => report.closed !== null)
  await assertTooSlow(order.port)
  const startMs = performance.now()
  await open({ userIndex: STALLED, reads: true, since: seq })
  const resumed = await until(reader, (report) => report.seq === messages)
  if (disordered + resumed.disordered > 0)
    throw new WrongResult(`${disordered + resumed.disordered} messages came out of order`)
  const resumeSeconds = (performance.now() - startMs) / 1_000
  return { readingMib, stalledMib, closedWith: closed?.code ?? CUT, resumeSeconds }
}

/** What a stalled client saw of its end may have been lost on the way, so that the server is asked. */
async function assertTooSlow(port: number): Promise<void> {
  const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  const sockets = /^onceline_realtime_slow_sockets_total (\d+)$/m.exec(metrics)?.[1]
  if (sockets !== '1') throw new WrongResult(`${sockets} sockets were too slow instead of 1`)
}

async function until(reader: Child, isDone: (report: ReaderReport) => boolean): Promise<ReaderReport> {
  const endMs = performance.now() + TIMEOUT_MS
  for (;;) {
    const report = await reader.ask<ReaderReport>('report', null)
    if (isDone(report)) return report
    if (performance.now() > endMs) throw new WrongResult(`a reader stayed behind: ${JSON.stringify(report)}`)
    await pause(20)
  }
}
