import type { Pool, PoolConnection } from '../../../db/pools.ts'
import type { RowDataPacket } from '../../../db/rows.ts'
import type { AccountName } from '../gateway-pause.ts'

type Queryable = Pick<PoolConnection | Pool, 'query'>

/** The stretch of time that is to be compared now; both on the database's clock. */
export interface ListingWindow {
  readonly from: Date
  readonly until: Date
}

export interface ListingPace {
  /** How far back every look reaches at least: what a gateway tells late is found all the same. */
  readonly lookbackSeconds: number
  /** The newest events are on their way: they are left to the next look. */
  readonly settleSeconds: number
  readonly intervalSeconds: number
}

/**
 * Takes the account's next look, if its time has come, and puts the one after it ahead: one process looks. A look reaches back to
 * where the last one that ended came to, and the lookback at least. Null: not now. Uses the primary key.
 */
export async function takeListing(
  connection: PoolConnection,
  { gateway, account }: AccountName,
  { lookbackSeconds, settleSeconds, intervalSeconds }: ListingPace,
): Promise<ListingWindow | null> {
  await connection.query(
    `INSERT INTO event_listings (gateway, account, compared_until, next_at)
     VALUES (?, ?, UTC_TIMESTAMP(3) - INTERVAL ? SECOND, UTC_TIMESTAMP(3)) ON DUPLICATE KEY UPDATE gateway = VALUES(gateway)`,
    [gateway, account, lookbackSeconds],
  )
  const [[row]] = await connection.query<RowDataPacket[]>(
    `SELECT CAST(LEAST(compared_until, UTC_TIMESTAMP(3) - INTERVAL ? SECOND) AS DATETIME(3)) AS begins,
       CAST(UTC_TIMESTAMP(3) - INTERVAL ? SECOND AS DATETIME(3)) AS ends, next_at <= UTC_TIMESTAMP(3) AS is_due
     FROM event_listings WHERE gateway = ? AND account = ? FOR UPDATE`,
    [lookbackSeconds, settleSeconds, gateway, account],
  )
  // A truth is a BIGINT in MySQL, which comes as text.
  if (row === undefined || Number(row.is_due) !== 1) return null
  await connection.query(
    'UPDATE event_listings SET next_at = UTC_TIMESTAMP(3) + INTERVAL ? SECOND WHERE gateway = ? AND account = ?',
    [intervalSeconds, gateway, account],
  )
  return { from: row.begins, until: row.ends }
}

/** The look ended at `until`, or failed with these words. Uses the primary key. */
export async function storeListing(
  connection: Queryable,
  { gateway, account }: AccountName,
  result: { readonly until: Date } | { readonly failure: string },
): Promise<void> {
  const until = 'until' in result ? result.until : null
  const failure = 'failure' in result ? result.failure : null
  await connection.query(
    `UPDATE event_listings SET compared_until = GREATEST(compared_until, COALESCE(?, compared_until)), last_error = ?
     WHERE gateway = ? AND account = ?`,
    [until, failure, gateway, account],
  )
}
