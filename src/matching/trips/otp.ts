import { randomInt } from 'node:crypto'
import { isUnknownColumn } from '../../../db/errors.ts'
import type { Pool, PoolConnection } from '../../../db/pools.ts'
import type { ResultSetHeader, RowDataPacket } from '../../../db/rows.ts'
import { matchingKey } from '../../base/api-key.ts'

/**
 * The code that the rider tells his driver at the start; null where the trip has none. `SELECT *`, because a Laravel without such
 * codes need not have the column. Uses the primary key.
 */
export async function readOtp(
  connection: Pick<PoolConnection | Pool, 'query'>,
  tripId: string,
): Promise<string | null> {
  const [rows] = await connection.query<RowDataPacket[]>('SELECT * FROM trip_requests WHERE id = ?', [tripId])
  const otp = rows[0]?.otp ?? ''
  return otp === '' ? null : String(otp)
}

const DIGITS = 4

/**
 * Gives the trip a code, unless it has one, which then stays; null where the table, which may be Laravel's, has no room for codes. Uses the
 * primary key.
 */
export async function giveOtp(connection: PoolConnection, tripId: string): Promise<string | null> {
  const otp = String(randomInt(10 ** DIGITS)).padStart(DIGITS, '0')
  return (await writeOtp(connection, tripId, otp, "AND (otp IS NULL OR otp = '')"))
    ? otp
    : readOtp(connection, tripId)
}

/** The driver who was to ask for it has the trip no more: the next one's is another. Uses the primary key. */
export async function forgetOtp(connection: PoolConnection, tripId: string): Promise<void> {
  await writeOtp(connection, tripId, null)
}

/** Laravel has a code of its own. False where the table has no room for it. Uses the primary key. */
export function replaceOtp(connection: PoolConnection, tripId: string, otp: string): Promise<boolean> {
  return writeOtp(connection, tripId, otp)
}

async function writeOtp(
  connection: PoolConnection,
  tripId: string,
  otp: string | null,
  condition: '' | "AND (otp IS NULL OR otp = '')" = '',
): Promise<boolean> {
  try {
    const [result] = await connection.query<ResultSetHeader>(
      `UPDATE trip_requests SET otp = ? WHERE id = ? ${condition}`,
      [otp, tripId],
    )
    return result.affectedRows === 1
  } catch (error) {
    // The failed statement alone is undone, so the transaction goes on.
    if (isUnknownColumn(error)) return false
    throw error
  }
}

/** Is this the code? Takes the same time whatever was given. A trip without a code asks for none. */
export function isRightOtp(given: string | null, otp: string | null): boolean {
  return otp === null || matchingKey(given ?? '', [otp]) !== null
}
