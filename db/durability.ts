import type { RowDataPacket } from 'mysql2/promise'
import type { Pool } from './pools.ts'

/**
 * Why this MySQL must not acknowledge money: each reason says which setting loses committed rows in a power cut, and what
 * to set. Empty: it is durable.
 */
export async function durabilityDoubts(pool: Pick<Pool, 'query'>): Promise<string[]> {
  const [rows] = await pool.query<RowDataPacket[]>(
    `SHOW GLOBAL VARIABLES WHERE Variable_name IN
     ('innodb_flush_log_at_trx_commit', 'sync_binlog', 'log_bin', 'innodb_doublewrite')`,
  )
  const value = new Map(rows.map((row) => [String(row.Variable_name), String(row.Value)]))
  const doubts: string[] = []
  if (value.get('innodb_flush_log_at_trx_commit') !== '1') {
    doubts.push(
      'innodb_flush_log_at_trx_commit must be 1: a commit would be acknowledged before it is on disk',
    )
  }
  if (value.get('log_bin') === 'ON' && value.get('sync_binlog') !== '1') {
    doubts.push('sync_binlog must be 1 where a binary log is on: a commit could be lost from it')
  }
  if (value.get('innodb_doublewrite') === 'OFF') {
    doubts.push('innodb_doublewrite must be on: a torn page would lose committed rows')
  }
  return doubts
}
