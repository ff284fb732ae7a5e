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

export interface OwnDatabaseOptions {
  /** False leaves the database empty. */
  readonly migrated?: boolean
  /** What the migrations make (schema-text.ts), where somebody has it: a third of the time that they take. */
  readonly schema?: string
}

/** A database of its own on this server, by default with the whole schema. */
export async function openOwnDatabase(
  mysql: TestServers['mysql'],
  name: string,
  { migrated = true, schema }: OwnDatabaseOptions = {},
): Promise<OwnDatabase> {
  const database = `t_${name.replaceAll('-', '_')}_${randomBytes(3).toString('hex')}`
  await asRoot(mysql, `CREATE DATABASE ${database} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`)
  const address = { ...mysql, database }
  if (migrated) await (schema === undefined ? migrate(address) : load(address, schema))
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

async function load(address: DatabaseAddress, schema: string): Promise<void> {
  const connection = await createConnection({ ...address, multipleStatements: true })
  try {
    await connection.query(schema)
  } finally {
    await connection.end()
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
