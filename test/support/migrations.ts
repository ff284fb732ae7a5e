import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createConnection } from 'mysql2/promise'
import type { Migration } from '../../db/migrate.ts'
import type { DatabaseAddress, Pool } from '../../db/pools.ts'
import type { RowDataPacket } from '../../db/rows.ts'

/** A migration as it would be read from a file. */
export function migration(name: string, sql: string): Migration {
  return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') }
}

/** Every table and view: its definition, and all of its rows in hex. */
export async function allTables(pool: Pool): Promise<Record<string, { definition: string; rows: string }>> {
  const [tables] = await pool.query<RowDataPacket[]>(
    'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE() ORDER BY table_name',
  )
  const all: Record<string, { definition: string; rows: string }> = {}
  for (const { name } of tables) {
    const [created] = await pool.query<RowDataPacket[]>(`SHOW CREATE TABLE ${name}`)
    const [rows] = await pool.query<RowDataPacket[]>(`SELECT * FROM ${name} ORDER BY 1`)
    all[name] = {
      definition: String(created[0]?.['Create Table'] ?? created[0]?.['Create View']),
      rows: JSON.stringify(rows),
    }
  }
  return all
}

/** Makes an empty database a shared one: Laravel's tables and some rows of them. */
export async function loadLaravelSchema(address: DatabaseAddress): Promise<void> {
  const sql = await readFile(new URL('../fixtures/laravel-schema.sql', import.meta.url), 'utf8')
  const connection = await createConnection({ ...address, multipleStatements: true })
  await connection.query(sql)
  await connection.end()
}
