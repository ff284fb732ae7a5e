import type { Pool, PoolConnection } from '../../../db/pools.ts'
import type { RowDataPacket } from '../../../db/rows.ts'
import { inTransaction } from '../../../db/transaction.ts'
import type { Log } from '../../base/log.ts'
import { Loop } from '../../base/loop.ts'

/** How long it can be asked why a driver was asked. Complaints come within days, and a decision has some kilobytes. */
export const DECISION_DAYS = 30

export interface DecisionPrunerOptions {
  readonly pool: Pool
  readonly log: Log
  readonly intervalMs?: number
  /** Decisions a transaction. */
  readonly batch?: number
}

/** Some kilobytes each go to the undo log. */
const BATCH = 200
/** 200 decisions every ten seconds keep up with 20 a second; a full batch is followed by the next at once. */
const INTERVAL_MS = 10_000

/** Takes away decisions that are older than DECISION_DAYS. Any number of pruners may run in any number of processes; they share the rows. */
export class DecisionPruner {
  readonly #pool: Pool
  readonly #batch: number
  readonly #loop: Loop

  constructor({ pool, log, intervalMs = INTERVAL_MS, batch = BATCH }: DecisionPrunerOptions) {
    this.#pool = pool
    this.#batch = batch
    this.#loop = new Loop({
      turn: async () => (await this.runOnce()) === batch,
      intervalMs,
      onError: (err) => log.warn({ err }, 'pruning of decisions failed; the next turn tries again'),
    })
  }

  start(): void {
    this.#loop.start()
  }

  /** Ends after the turn in hand, for which it waits at most `timeoutMs`. */
  stop(timeoutMs: number): Promise<void> {
    return this.#loop.stop(timeoutMs)
  }

  /** One batch in one transaction; returns how many decisions went. */
  runOnce(): Promise<number> {
    return inTransaction(this.#pool, 'prune decisions', (connection) =>
      pruneDecisions(connection, this.#batch),
    )
  }
}

/** The first id of the second that was so many days ago: the time is what a UUIDv7 begins with. */
const BOUND = `UNHEX(CONCAT(LPAD(HEX((UNIX_TIMESTAMP() - ${DECISION_DAYS} * 86400) * 1000), 12, '0'), REPEAT('0', 20)))`

/**
 * Removes at most `limit` decisions that are older than DECISION_DAYS, by the database's clock, the oldest first; returns how many. Rows
 * that anybody has locked are skipped. Uses the primary key, which ascends with time.
 */
export async function pruneDecisions(
  connection: Pick<PoolConnection, 'query'>,
  limit: number,
): Promise<number> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT id FROM dispatch_decisions WHERE id < ${BOUND} ORDER BY id LIMIT ? FOR UPDATE SKIP LOCKED`,
    [limit],
  )
  if (rows.length === 0) return 0
  await connection.query('DELETE FROM dispatch_decisions WHERE id IN (?)', [rows.map(({ id }) => id)])
  return rows.length
}
