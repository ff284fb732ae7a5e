import type { Pool } from '../../../db/pools.ts'
import { inTransaction, withConnection } from '../../../db/transaction.ts'
import { withoutLate } from '../late.ts'
import type { PresenceMetrics } from './presence-metrics.ts'
import { closeSessions, type OwnSession, openSessions } from './presence-store.ts'

export interface SessionWriterOptions {
  readonly pool: Pool
  readonly nodeId: string
  readonly graceMs: number
  readonly metrics: Pick<PresenceMetrics, 'moved'>
  /** Renews this node's lease in the transaction that opens sessions: none is ever of a node without one. */
  readonly renew: Parameters<typeof inTransaction<void>>[2]
  readonly onError: (error: unknown) => void
}

interface Opening {
  readonly userId: string
  readonly askedAtMs: number
  readonly resolve: (fence: number) => void
  readonly reject: (error: unknown) => void
}

/** Rows a transaction: a storm of five thousand is ten of them, and nobody waits for a lock longer than some 30 ms. */
const BATCH = 500
/** A door that waits longer for a frozen database keeps its phone waiting for nothing. */
const WRITE_TIMEOUT_MS = 5_000

/**
 * Writes sockets' openings and closings, those of a tick together, and one batch after the other, so that a storm is a few
 * transactions over one connection.
 */
export class SessionWriter {
  readonly #options: SessionWriterOptions
  #openings: Opening[] = []
  #closings: OwnSession[] = []
  #isWorking = false
  #work = Promise.resolve()

  constructor(options: SessionWriterOptions) {
    this.#options = options
  }

  /** Resolves with the socket's fence; rejects when the database does not answer, and then nobody knows whether it was opened. */
  opened(userId: string): Promise<number> {
    const opened = new Promise<number>((resolve, reject) => {
      this.#openings.push({ userId, askedAtMs: performance.now(), resolve, reject })
    })
    this.#wake()
    return opened
  }

  /** Never throws: what the database did not hear is found by whoever compares. */
  closed(session: OwnSession): void {
    this.#closings.push(session)
    this.#wake()
  }

  /** Resolves when all that was said is written, or given up. */
  async settled(): Promise<void> {
    while (this.#isWorking) await this.#work
  }

  #wake(): void {
    if (this.#isWorking) return
    this.#isWorking = true
    this.#work = this.#writeAll()
  }

  async #writeAll(): Promise<void> {
    await endOfTick()
    while (this.#openings.length + this.#closings.length > 0) {
      // Closings first: a socket that was closed and opened again within a tick ends open.
      await this.#close(this.#closings.splice(0, BATCH))
      await this.#open(withoutLate(this.#openings.splice(0, BATCH), 'open sessions', WRITE_TIMEOUT_MS))
    }
    // In the same breath as the look for more: whoever is told of his fence may have the next one to say.
    this.#isWorking = false
  }

  async #close(closings: readonly OwnSession[]): Promise<void> {
    if (closings.length === 0) return
    const { pool, graceMs, metrics, onError } = this.#options
    try {
      // One statement is a transaction. With the openings in one, two nodes that exchange drivers would lock them crosswise.
      const count = await withConnection(pool, 'close sessions', WRITE_TIMEOUT_MS, (connection) =>
        closeSessions(connection, closings, graceMs),
      )
      metrics.moved('disconnected', 'socket', count)
    } catch (error) {
      onError(error)
    }
  }

  async #open(openings: readonly Opening[]): Promise<void> {
    if (openings.length === 0) return
    const { pool, nodeId, renew, metrics } = this.#options
    const counts = new Map<string, number>()
    for (const { userId } of openings) counts.set(userId, (counts.get(userId) ?? 0) + 1)
    try {
      const fences = await inTransaction(
        pool,
        'open sessions',
        async (connection) => {
          const fences = await openSessions(connection, nodeId, counts)
          // Last: while somebody holds a driver's row, the lease must not be locked by who waits for it.
          await renew(connection)
          return fences
        },
        { timeoutMs: WRITE_TIMEOUT_MS },
      )
      metrics.moved('connected', 'socket', counts.size)
      handOut(openings, counts, fences)
    } catch (error) {
      for (const { reject } of openings) reject(error)
    }
  }
}

/** Several sockets of one user in a batch have a fence each, in the order in which they came. */
function handOut(
  openings: readonly Opening[],
  counts: Map<string, number>,
  fences: ReadonlyMap<string, number>,
): void {
  for (const { userId, resolve } of openings) {
    const after = (counts.get(userId) ?? 1) - 1
    counts.set(userId, after)
    resolve((fences.get(userId) ?? 0) - after)
  }
}

function endOfTick(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
