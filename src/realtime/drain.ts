import { setTimeout as pause } from 'node:timers/promises'
import { CLOSE, retryHint } from './close-codes.ts'
import type { Connection } from './connection.ts'

/** Between two closes: a thousand a second are as many handshakes elsewhere. */
const CLOSE_SPACING_MS = 1
/** In bundles, since no timer is finer than some milliseconds. */
const TURN_MS = 20
/** Clients come back within this after their close, each at a moment of its own, so that the other processes are not run over. */
const SPREAD_MS = { least: 500, most: 5_000, each: 5 } as const

export interface DrainOptions {
  readonly connections: ReadonlySet<Connection>
  readonly timeoutMs: number
  readonly random?: () => number
}

/**
 * Sends all sockets elsewhere: closes them (1012) one after the other over half of the time at most, each with a moment at which
 * to come back, and waits until they are gone. What was sent to them goes out before. Those that are still there when the time
 * is over are cut.
 */
export async function drain({ connections, timeoutMs, random = Math.random }: DrainOptions): Promise<void> {
  const endMs = performance.now() + timeoutMs
  const order = shuffled([...connections], random)
  const windowMs = Math.min(order.length * CLOSE_SPACING_MS, timeoutMs / 2)
  const turns = Math.max(Math.ceil(windowMs / TURN_MS), 1)
  const perTurn = Math.ceil(order.length / turns)
  const spreadMs = Math.min(Math.max(order.length * SPREAD_MS.each, SPREAD_MS.least), SPREAD_MS.most)
  for (let start = 0; start < order.length; start += perTurn) {
    for (const connection of order.slice(start, start + perTurn))
      connection.close(CLOSE.restart, retryHint(random() * spreadMs))
    if (start + perTurn < order.length) await pause(TURN_MS)
  }
  while (connections.size > 0 && performance.now() < endMs) await pause(TURN_MS)
  for (const { ws } of connections) ws.terminate()
}

function shuffled<T>(items: T[], random: () => number): T[] {
  for (let last = items.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1))
    const [a, b] = [items[last], items[other]]
    if (a !== undefined && b !== undefined) {
      items[last] = b
      items[other] = a
    }
  }
  return items
}
