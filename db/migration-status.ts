import type { RowDataPacket } from 'mysql2/promise'
import { type Migration, readMigrations } from './migrate.ts'
import type { Pool } from './pools.ts'

/**
 * done: applied as it stands here. pending: to be applied. interrupted: begun and not finished; the next run finishes it.
 * edited: applied in another form. missing: applied, and not in this version.
 */
export interface MigrationStatus {
  readonly name: string
  readonly status: 'done' | 'pending' | 'interrupted' | 'edited' | 'missing'
  readonly at: Date | null
}

/** Compares db/migrations with what this database has seen. Changes nothing, not even in an empty database. */
export async function migrationStatus(
  pool: Pick<Pool, 'query'>,
  migrations?: readonly Migration[],
): Promise<MigrationStatus[]> {
  const files = migrations ?? (await readMigrations())
  const known = await readApplied(pool)
  const here = files.map((file): MigrationStatus => {
    const row = known.get(file.name)
    if (!row) return { name: file.name, status: 'pending', at: null }
    if (row.checksum !== file.checksum) return { name: file.name, status: 'edited', at: row.at }
    return { name: file.name, status: row.state === 'done' ? 'done' : 'interrupted', at: row.at }
  })
  const names = new Set(files.map(({ name }) => name))
  const gone = [...known].filter(([name]) => !names.has(name))
  return [...here, ...gone.map(([name, { at }]): MigrationStatus => ({ name, status: 'missing', at }))]
}

const NO_SUCH_TABLE = 'ER_NO_SUCH_TABLE'

async function readApplied(
  pool: Pick<Pool, 'query'>,
): Promise<Map<string, { checksum: string; state: string; at: Date }>> {
  try {
    const [rows] = await pool.query<RowDataPacket[]>(
      'SELECT name, checksum, state, at FROM onceline_migrations ORDER BY name LIMIT 10000',
    )
    return new Map(rows.map((row) => [row.name, { checksum: row.checksum, state: row.state, at: row.at }]))
  } catch (error) {
    if ((error as { code?: string }).code === NO_SUCH_TABLE) return new Map()
    throw error
  }
}
