import { setTimeout as pause } from 'node:timers/promises'
import type { Pool } from '../../db/pools.ts'
import { READ_TIMEOUT_MS, withConnection } from '../../db/transaction.ts'
import { backoffMs } from '../base/backoff.ts'
import { reached } from '../base/checkpoint.ts'
import type { Log } from '../base/log.ts'
import type { Sampler } from '../base/sampler.ts'
import { frameOf } from '../feed/envelope.ts'
import { type FeedPage, readFeed } from '../feed/read.ts'
import type { Connection } from './connection.ts'
import type { TokenUser } from './door/token.ts'
import { textFrame } from './frames.ts'
import type { Greeting } from './greeting.ts'
import type { RealtimeMetrics } from './metrics.ts'

export interface CatchUpOptions {
  readonly pool: Pool
  readonly log: Log
  /** Lets failed reads into the log. */
  readonly failures: Sampler
  readonly metrics: Pick<RealtimeMetrics, 'replayed' | 'reset'>
  /** Head and snapshot of one moment, for whoever's place in the feed is lost. */
  readonly greet: (user: TokenUser) => Promise<Greeting>
}

/** A page is in memory once for each socket that reads: some hundred kilobytes at most. */
const PAGE_MESSAGES = 100
/** The database is away or slow; the socket stays, and misses nothing. */
const RETRY = { baseMs: 200, capMs: 5_000, random: Math.random }

/**
 * Sends what a socket is missing, from MySQL, page by page and as fast as the client reads, until nothing is missing and the cursor
 * is live. One of these runs for a socket at a time; the cursor says when one has to begin.
 */
export class CatchUp {
  readonly #options: CatchUpOptions

  constructor(options: CatchUpOptions) {
    this.#options = options
  }

  /** Resolves when the socket is live, or over. Never rejects: while the database is away it tries again. */
  async run(connection: Connection): Promise<void> {
    for (let failures = 0; connection.isOpen; ) {
      try {
        if (await this.#turn(connection)) return
        failures = 0
      } catch (error) {
        failures += 1
        this.#tell(error)
        await pause(backoffMs(failures, RETRY))
      }
      await connection.drained()
    }
  }

  /** One page; true: the socket is live, or over. */
  async #turn(connection: Connection): Promise<boolean> {
    const { cursor, user } = connection
    const { epoch } = cursor
    const page = await this.#read(user.userId, cursor.next - 1)
    if (!connection.isOpen) return true
    reached('feed:page-read')
    // Somebody set the cursor meanwhile, so this is not what follows it.
    if (cursor.epoch !== epoch) return false
    if (page.kind === 'lost') return this.#startAnew(connection)
    const last = page.messages.at(-1)
    if (last !== undefined) {
      const frames = page.messages.map((message) => textFrame(frameOf(message)))
      connection.push({
        kind: 'kept',
        frame: frames.length === 1 ? (frames[0] ?? Buffer.alloc(0)) : Buffer.concat(frames),
      })
      for (const { seq, createdAt } of page.messages) connection.noteSent(seq, createdAt.getTime())
      cursor.sent(last.seq)
      this.#options.metrics.replayed(page.messages.length)
      reached('feed:page-sent')
    }
    return cursor.settle(page.head)
  }

  /** What the client wants is pruned, or never was: it gets everything as it stands, and numbers go on from there. */
  async #startAnew(connection: Connection): Promise<boolean> {
    const { cursor, user } = connection
    const { epoch } = cursor
    const { head, snapshot } = await this.#options.greet(user)
    if (cursor.epoch !== epoch) return false
    connection.say(JSON.stringify({ event: 'feed:reset', data: { head, snapshot } }))
    this.#options.metrics.reset()
    cursor.sent(head)
    return cursor.settle(head)
  }

  #read(userId: string, since: number): Promise<FeedPage> {
    return withConnection(this.#options.pool, 'read feed', READ_TIMEOUT_MS, (connection) =>
      readFeed(connection, userId, since, PAGE_MESSAGES),
    )
  }

  #tell(error: unknown): void {
    const permission = this.#options.failures.allow()
    if (permission)
      this.#options.log.warn({ err: error, ...permission }, 'a feed could not be read; it is tried again')
  }
}
