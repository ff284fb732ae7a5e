import type { Pool } from '../../db/pools.ts'
import { inTransaction } from '../../db/transaction.ts'
import type { Log } from '../base/log.ts'
import { Loop } from '../base/loop.ts'
import { forgetKeys, pruneAnswers } from './store.ts'

export interface PrunerOptions {
  readonly pool: Pool
  readonly log: Log
  readonly intervalMs?: number
  /** Rows a transaction. */
  readonly batch?: number
}

/** What one turn did. */
export interface Pruned {
  readonly answers: number
  readonly keys: number
}

/** Up to 64 KiB an answer go to the undo log: some hundred rows are a short transaction even where all are long. */
const BATCH = 200
/** 200 rows every ten seconds keep up with 20 keys a second; a full batch is followed by the next at once. */
const INTERVAL_MS = 10_000

/**
 * Takes away what was kept long enough: answers after 72 hours, keys after 400 days more. Any number of pruners may run
 * in any number of processes; they share the rows. Work that is not finished is never touched.
 */
export class Pruner {
  readonly #pool: Pool
  readonly #batch: number
  readonly #loop: Loop

  constructor({ pool, log, intervalMs = INTERVAL_MS, batch = BATCH }: PrunerOptions) {
    this.#pool = pool
    this.#batch = batch
    this.#loop = new Loop({
      turn: async () => {
        const { answers, keys } = await this.runOnce()
        return answers === batch || keys === batch
      },
      intervalMs,
      onError: (err) => log.warn({ err }, 'pruning of idempotency keys failed; the next turn tries again'),
    })
  }

  start(): void {
    this.#loop.start()
  }

  /** Ends after the turn in hand, for which it waits at most `timeoutMs`. */
  stop(timeoutMs: number): Promise<void> {
    return this.#loop.stop(timeoutMs)
  }

  /** One batch of each kind, each in a transaction of its own. */
  async runOnce(): Promise<Pruned> {
    const answers = await inTransaction(this.#pool, 'prune answers', (connection) =>
      pruneAnswers(connection, this.#batch),
    )
    const keys = await inTransaction(this.#pool, 'forget keys', (connection) =>
      forgetKeys(connection, this.#batch),
    )
    return { answers, keys }
  }
}
