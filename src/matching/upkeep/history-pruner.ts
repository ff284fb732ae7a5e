import type { Pool, PoolConnection } from '../../../db/pools.ts'
import type { RowDataPacket } from '../../../db/rows.ts'
import { inTransaction } from '../../../db/transaction.ts'
import { Pruner, type PrunerPace } from '../../base/pruner.ts'

/** How long it can be asked why a driver was asked. Complaints come within days, and a decision has some kilobytes. */
export const DECISION_DAYS = 30
/** How long it is known who was asked for a trip and who bid; never shorter than the decisions, which name the offers. */
export const HISTORY_DAYS = 90

export interface HistoryPrunerOptions extends PrunerPace {
  readonly pool: Pool
  /** Of offers and bids; HISTORY_DAYS by default. */
  readonly historyDays?: number
}

/** Takes away decisions that are older than DECISION_DAYS, and offers and bids that are over and older than `historyDays`. */
export function historyPruner({
  pool,
  historyDays = HISTORY_DAYS,
  ...pace
}: HistoryPrunerOptions): Pruner<keyof typeof PRUNED> {
  const pruneOf = (kind: keyof typeof PRUNED, days: number) => (limit: number) =>
    inTransaction(pool, `prune ${kind}`, (connection) => pruneOlder(connection, kind, days, limit))
  const prunes = {
    decisions: pruneOf('decisions', DECISION_DAYS),
    bids: pruneOf('bids', historyDays),
    offers: pruneOf('offers', historyDays),
  }
  return new Pruner({ what: 'the history of matching', prunes, ...pace })
}

/** What is live stays, however old: whoever ends it comes. */
const PRUNED = {
  decisions: { table: 'dispatch_decisions', condition: '' },
  bids: { table: 'trip_bids', condition: "AND state <> 'live'" },
  offers: { table: 'trip_offers', condition: "AND state <> 'offered'" },
} as const

/** The first id of the second that was so many days ago: the time is what a UUIDv7 begins with. */
const BOUND = `UNHEX(CONCAT(LPAD(HEX((UNIX_TIMESTAMP() - ? * 86400) * 1000), 12, '0'), REPEAT('0', 20)))`

/**
 * Removes at most `limit` rows that are older than so many days, by the database's clock, the oldest first; returns how many. Rows
 * that anybody has locked are skipped. Uses the primary key, which ascends with time.
 */
export async function pruneOlder(
  connection: Pick<PoolConnection, 'query'>,
  kind: keyof typeof PRUNED,
  days: number,
  limit: number,
): Promise<number> {
  const { table, condition } = PRUNED[kind]
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT id FROM ${table} FORCE INDEX (PRIMARY) WHERE id < ${BOUND} ${condition} ORDER BY id LIMIT ?
     FOR UPDATE SKIP LOCKED`,
    [days, limit],
  )
  if (rows.length === 0) return 0
  await connection.query(`DELETE FROM ${table} WHERE id IN (?)`, [rows.map(({ id }) => id)])
  return rows.length
}
