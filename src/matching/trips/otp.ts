import type { Pool, PoolConnection } from '../../../db/pools.ts'
import type { RowDataPacket } from '../../../db/rows.ts'
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

/** Is this the code? Takes the same time whatever was given. A trip without a code asks for none. */
export function isRightOtp(given: string | null, otp: string | null): boolean {
  return otp === null || matchingKey(given ?? '', [otp]) !== null
}
