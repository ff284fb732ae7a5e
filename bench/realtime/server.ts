import { setTimeout as pause, setImmediate as turnOfTheLoop } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { serve } from '../child.ts'
import { residentMibOf } from '../memory.ts'
import { startBare } from './bare.ts'
import type { Running, ServerOrder } from './contender.ts'
import { type DriveOrder, type DriveReport, drive } from './drive.ts'
import { startOurs } from './ours.ts'
import { startSocketIo } from './socketio.ts'
import { userIdOf } from './tokens.ts'

/** What a process holds after its garbage is collected, in bytes. */
export interface Memory {
  readonly resident: number
  /** On V8's heap and outside of it, as far as V8 knows. */
  readonly heap: number
}

/** So many messages, one batch after the other, whoever reads them: to one user, or (null) to everybody. */
export interface PushOrder {
  readonly userId: string | null
  readonly messages: number
  readonly padding: number
}

/** Messages that nobody keeps, at a steady rate, each to one of so many users, who take turns. */
export interface StreamOrder {
  readonly seconds: number
  readonly ratePerSecond: number
  readonly users: number
}

const PUSH_BATCH = 50
const STREAM_TURN_MS = 5
/** The first may free what the second can collect. */
const COLLECTIONS = 4

let running: Running | null = null

serve({
  /** Returns the port. */
  start: async (order: ServerOrder): Promise<number> => {
    running = await start(order)
    return running.port
  },
  drive: (order: DriveOrder): Promise<DriveReport> => drive(server(), order),
  push,
  stream,
  memory: readMemory,
})

function start(order: ServerOrder): Promise<Running> {
  switch (order.contender) {
    case 'ours':
      return startOurs(order)
    case 'bare':
      return startBare()
    default:
      return startSocketIo(order)
  }
}

function server(): Running {
  if (running === null) throw new Error('start comes first')
  return running
}

async function push({ userId, messages, padding }: PushOrder): Promise<null> {
  for (let left = messages; left > 0; left -= PUSH_BATCH) {
    const count = Math.min(left, PUSH_BATCH)
    if (userId === null) await server().toAll(count, padding)
    else await server().toEach(Array<string>(count).fill(userId), padding)
    await turnOfTheLoop()
  }
  return null
}

/** Returns how many were sent. */
async function stream({ seconds, ratePerSecond, users }: StreamOrder): Promise<number> {
  const startMs = performance.now()
  let sent = 0
  for (;;) {
    const elapsedMs = Math.min(performance.now() - startMs, seconds * 1_000)
    const due = Math.floor((elapsedMs * ratePerSecond) / 1_000) - sent
    await server().toEachOnce(Array.from({ length: due }, (_, index) => userIdOf((sent + index) % users)))
    sent += due
    if (elapsedMs >= seconds * 1_000) return sent
    await pause(STREAM_TURN_MS)
  }
}

type Collect = (how: { type: 'major'; execution: 'sync'; flavor: 'last-resort' }) => void

/** As when V8 has had nothing to do for long: it gives back what the young generation grew by, too. */
async function readMemory(): Promise<Memory> {
  setFlagsFromString('--expose-gc')
  const collect: Collect = runInNewContext('gc')
  for (let n = 0; n < COLLECTIONS; n += 1) {
    collect({ type: 'major', execution: 'sync', flavor: 'last-resort' })
    await pause(50)
  }
  const { heapUsed, external } = process.memoryUsage()
  return { resident: residentMibOf(process.pid) * 2 ** 20, heap: heapUsed + external }
}
