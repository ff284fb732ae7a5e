import type { Pool } from '../../db/pools.ts'
import { READ_TIMEOUT_MS, withConnection } from '../../db/transaction.ts'
import type { Log } from '../base/log.ts'
import { Loop } from '../base/loop.ts'
import { readHeads } from '../feed/store.ts'
import type { Connection } from './connection.ts'
import type { RealtimeMetrics } from './metrics.ts'

export interface HeadsCheckOptions {
  readonly pool: Pool
  readonly log: Log
  readonly metrics: Pick<RealtimeMetrics, 'missed'>
  /** The connections of this process. */
  readonly connections: ReadonlySet<Connection>
  /** A socket misses messages that MySQL has. */
  readonly onGap: (connection: Connection) => void
  readonly intervalMs?: number | undefined
}

/** A lost last push shows no gap: this is how long it can stay unseen. */
const INTERVAL_MS = 2_000
/** Users a statement. */
const CHUNK = 1_000

/**
 * Compares the numbers that the sockets of this process have got with those that MySQL has, so that what Redis lost is sent all
 * the same. Redis is a doorbell: with it away, this alone carries the feed.
 */
export class HeadsCheck {
  readonly #options: HeadsCheckOptions
  readonly #loop: Loop

  constructor(options: HeadsCheckOptions) {
    this.#options = options
    this.#loop = new Loop({
      turn: async () => {
        await this.runOnce()
        return false
      },
      intervalMs: options.intervalMs ?? INTERVAL_MS,
      onError: (err) =>
        options.log.warn({ err }, 'heads of feeds could not be read; the next turn tries again'),
    })
  }

  start(): void {
    this.#loop.start()
  }

  stop(timeoutMs: number): Promise<void> {
    return this.#loop.stop(timeoutMs)
  }

  /** One comparison for everybody who is live. */
  async runOnce(): Promise<void> {
    const users = new Map<string, Connection[]>()
    for (const connection of this.#options.connections) {
      if (connection.cursor.isReading) continue
      const { userId } = connection.user
      const others = users.get(userId)
      if (others === undefined) users.set(userId, [connection])
      else others.push(connection)
    }
    const ids = [...users.keys()]
    let failure: unknown = null
    // One part that cannot be read must not keep the others waiting for ever.
    for (let start = 0; start < ids.length; start += CHUNK)
      await this.#compare(ids.slice(start, start + CHUNK), users).catch((error: unknown) => {
        failure ??= error
      })
    if (failure !== null) throw failure
  }

  async #compare(ids: readonly string[], users: ReadonlyMap<string, readonly Connection[]>): Promise<void> {
    const { pool, metrics, onGap } = this.#options
    const heads = await withConnection(pool, 'compare heads', READ_TIMEOUT_MS, (connection) =>
      readHeads(connection, ids),
    )
    for (const [userId, head] of heads)
      for (const connection of users.get(userId) ?? []) {
        if (!connection.cursor.learn(head)) continue
        metrics.missed()
        onGap(connection)
      }
  }
}
