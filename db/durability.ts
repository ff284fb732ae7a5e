import type { RowDataPacket } from 'mysql2/promise'
import type { Pool } from './pools.ts'

/**
 * Why this MySQL must not acknowledge money: each reason says which setting loses committed rows in a power cut, and what
 * to set. Empty: it is durable.
 */
export async function durabilityDoubts(pool: Pick<Pool, 'query'>): Promise<string[]> {
  const [rows] = await pool.query<RowDataPacket[]>(
    `SHOW GLOBAL VARIABLES WHERE Variable_name IN
     ('innodb_flush_log_at_trx_commit', 'sync_binlog', 'log_bin', 'innodb_doublewrite', 'version')`,
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
  if (['OFF', 'DETECT_ONLY'].includes(value.get('innodb_doublewrite') ?? 'ON')) {
    doubts.push('innodb_doublewrite must be on: a torn page would lose committed rows')
  }
  if (isTooOld(value.get('version') ?? '')) {
    doubts.push(
      'MySQL 8.0 or MariaDB 10.6 is needed: older ones do not know SKIP LOCKED, and process nothing',
    )
  }
  return doubts
}

function isTooOld(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return /mariadb/i.test(version) ? major < 10 || (major === 10 && minor < 6) : major < 8
}
