import { format } from 'mysql2'
import type { RowDataPacket } from '../../db/rows.ts'
import { describeSchema } from '../../db/schema.ts'
import type { TestServers } from './global-setup.ts'
import { openOwnDatabase } from './own-database.ts'

/**
 * What db/migrations make of an empty database of this server, as statements that make the same of another one: the tables, and
 * the record of what was applied. Suites load it; that it is the same, `schema` proves.
 */
export async function schemaText(mysql: TestServers['mysql']): Promise<string> {
  const { pool, drop } = await openOwnDatabase(mysql, 'model')
  try {
    const tables = await describeSchema(pool)
    const [records] = await pool.query<RowDataPacket[]>(
      'SELECT name, checksum, state, at FROM onceline_migrations',
    )
    const rows = records.map(({ name, checksum, state, at }) => [name, checksum, state, at])
    return `${tables}\n${format('INSERT INTO onceline_migrations (name, checksum, state, at) VALUES ?', [rows], false, 'Z')}`
  } finally {
    await drop()
  }
}
