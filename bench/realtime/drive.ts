import { connect } from 'node:net'
import type { Running } from './contender.ts'
import { userIdOf } from './tokens.ts'

/** How the server is to send: as fast as its messages arrive, with so many of them on the way. */
export interface DriveOrder {
  /** The clients' control port (sockets.ts). */
  readonly control: number
  readonly seconds: number
  /** Messages that are sent together. */
  readonly batch: number
  /** Messages on the way at most; a multiple of `batch`. */
  readonly inFlight: number
  /** null: to everybody. Otherwise each message goes to one of so many users, who take turns. */
  readonly users: number | null
  /** Whether messages to users go into their history first, where the server has one. */
  readonly areKept: boolean
  /** How many sockets hear a message. */
  readonly audience: number
}

export interface DriveReport {
  readonly messages: number
  readonly deliveries: number
  readonly seconds: number
}

/** When nothing arrives for this long, something was lost. */
const STALL_TIMEOUT_MS = 10_000

/** Sends for some seconds, then waits until everything has arrived. Throws when it does not. */
export async function drive(running: Running, order: DriveOrder): Promise<DriveReport> {
  const { seconds, batch, inFlight, users, areKept, audience } = order
  const arrivals = await listenToControl(order.control, batch * audience)
  const startMs = performance.now()
  let sent = 0
  let nextUser = 0
  const send = () => {
    sent += batch
    if (users === null) return running.toAll(batch)
    const to = Array.from({ length: batch }, (_, index) => userIdOf((nextUser + index) % users))
    nextUser = (nextUser + batch) % users
    return areKept ? running.toEach(to) : running.toEachOnce(to)
  }
  const sending = new Set<Promise<void>>()
  while (performance.now() - startMs < seconds * 1_000) {
    while (sent - arrivals.deliveries / audience + batch <= inFlight) {
      const done = Promise.resolve(send())
      sending.add(done)
      void done.finally(() => sending.delete(done))
    }
    await arrivals.next()
  }
  await Promise.all(sending)
  while (arrivals.deliveries < sent * audience) await arrivals.next()
  arrivals.close()
  return {
    messages: sent,
    deliveries: arrivals.deliveries,
    seconds: (performance.now() - startMs) / 1_000,
  }
}

async function listenToControl(port: number, tellEvery: number) {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  let wake: () => void = () => undefined
  let fail: (error: Error) => void = () => undefined
  const arrivals = {
    deliveries: 0,
    next: () =>
      new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error('messages did not arrive')), STALL_TIMEOUT_MS)
        wake = () => {
          clearTimeout(timer)
          resolve()
        }
        fail = reject
      }),
    close: () => socket.destroy(),
  }
  let rest = ''
  socket.setEncoding('latin1')
  socket.on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) arrivals.deliveries += Number(line)
    wake()
  })
  socket.on('error', (error) => fail(error))
  const ready = arrivals.next()
  socket.write(String(tellEvery))
  await ready
  return arrivals
}
