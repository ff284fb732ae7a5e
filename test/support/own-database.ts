import { randomBytes } from 'node:crypto'
import { createConnection } from 'mysql2/promise'
import { migrate } from '../../db/migrate.ts'
import { type DatabaseAddress, openPool, type Pool } from '../../db/pools.ts'
import type { TestServers } from './global-setup.ts'

export interface OwnDatabase {
  readonly address: DatabaseAddress
  /** For looking and arranging. */
  readonly pool: Pool
  /** Closes the pool and drops the database. */
  drop(): Promise<void>
}

/** A database of its own on this server, by default with the whole schema. */
export async function openOwnDatabase(
  mysql: TestServers['mysql'],
  name: string,
  { migrated = true }: { readonly migrated?: boolean } = {},
): Promise<OwnDatabase> {
  const database = `t_${name.replaceAll('-', '_')}_${randomBytes(3).toString('hex')}`
  await asRoot(mysql, `CREATE DATABASE ${database} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`)
  const address = { ...mysql, database }
  if (migrated) await migrate(address)
  const pool = openPool(address, { connectionLimit: 6, lockWaitSeconds: 5 })
  return {
    address,
    pool,
    drop: async () => {
      await pool.end()
      await asRoot(mysql, `DROP DATABASE ${database}`)
    },
  }
}

async function asRoot(server: TestServers['mysql'], sql: string): Promise<void> {
  const connection = await createConnection(server)
  try {
    await connection.query(sql)
  } finally {
    await connection.end()
  }
}
