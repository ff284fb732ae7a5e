import type { Pool } from '../../db/pools.ts'
import { inTransaction } from '../../db/transaction.ts'
import type { Log } from '../base/log.ts'
import { Loop } from '../base/loop.ts'
import { pruneMessages } from './store.ts'

export interface FeedPrunerOptions {
  readonly pool: Pool
  readonly log: Log
  readonly intervalMs?: number
  /** Messages a transaction. */
  readonly batch?: number
}

/** Some kilobytes each go to the undo log, and every user among them is locked for a moment. */
const BATCH = 200
/** 200 messages every ten seconds keep up with 20 a second; a full batch is followed by the next at once. */
const INTERVAL_MS = 10_000

/**
 * Takes away messages that are older than FEED_DAYS (store.ts). Any number of pruners may run in any number of processes;
 * they share the rows.
 */
export class FeedPruner {
  readonly #pool: Pool
  readonly #batch: number
  readonly #loop: Loop

  constructor({ pool, log, intervalMs = INTERVAL_MS, batch = BATCH }: FeedPrunerOptions) {
    this.#pool = pool
    this.#batch = batch
    this.#loop = new Loop({
      turn: async () => (await this.runOnce()) === batch,
      intervalMs,
      onError: (err) => log.warn({ err }, 'pruning of the feed failed; the next turn tries again'),
    })
  }

  start(): void {
    this.#loop.start()
  }

  /** Ends after the turn in hand, for which it waits at most `timeoutMs`. */
  stop(timeoutMs: number): Promise<void> {
    return this.#loop.stop(timeoutMs)
  }

  /** One batch in one transaction; returns how many messages went. */
  runOnce(): Promise<number> {
    return inTransaction(this.#pool, 'prune feed', (connection) => pruneMessages(connection, this.#batch))
  }
}
