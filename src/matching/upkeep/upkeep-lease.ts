import type { Pool, PoolConnection } from '../../../db/pools.ts'
import type { RowDataPacket } from '../../../db/rows.ts'

type Queryable = Pick<PoolConnection | Pool, 'query'>

/**
 * Takes or renews the lease of some work, on the database's clock; false where another process holds it. Uses the primary key.
 */
export async function takeUpkeepLease(
  connection: Queryable,
  name: string,
  holder: string,
  leaseMs: number,
): Promise<boolean> {
  // Assigned from left to right: the time is moved where the holder is who asks.
  await connection.query(
    `INSERT INTO upkeep_leases (name, holder, lease_until)
     VALUES (?, ?, UTC_TIMESTAMP(3) + INTERVAL ? MICROSECOND)
     ON DUPLICATE KEY UPDATE
       holder = IF(lease_until <= UTC_TIMESTAMP(3), VALUES(holder), holder),
       lease_until = IF(holder = VALUES(holder), VALUES(lease_until), lease_until)`,
    [name, holder, leaseMs * 1_000],
  )
  const [[row]] = await connection.query<RowDataPacket[]>('SELECT holder FROM upkeep_leases WHERE name = ?', [
    name,
  ])
  return row?.holder === holder
}

/** Gives the lease back, if it is this holder's. Uses the primary key. */
export async function dropUpkeepLease(connection: Queryable, name: string, holder: string): Promise<void> {
  await connection.query('DELETE FROM upkeep_leases WHERE name = ? AND holder = ?', [name, holder])
}
