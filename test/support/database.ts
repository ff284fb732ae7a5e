import { randomBytes } from 'node:crypto'
import { createConnection } from 'mysql2/promise'
import { inject } from 'vitest'
import { migrate } from '../../db/migrate.ts'
import { type DatabaseAddress, openPool, type Pool } from '../../db/pools.ts'
import type { RedisAddress } from '../../db/redis.ts'

export interface TestDatabase {
  readonly address: DatabaseAddress
  readonly redis: RedisAddress
  readonly engine: 'mariadb' | 'mysql'
  /** A pool of the test's own, for looking and arranging. */
  readonly pool: Pool
  /** Closes the pool and drops the database. */
  drop(): Promise<void>
}

export interface TestDatabaseOptions {
  /** False leaves the database empty. */
  readonly migrated?: boolean
}

/** A database of its own for one test file, on the real server of this run. */
export async function testDatabase(name: string, options: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const { mysql, redis, engine } = inject('servers')
  const database = `t_${name.replaceAll('-', '_')}_${randomBytes(3).toString('hex')}`
  await asRoot(mysql, `CREATE DATABASE ${database} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`)
  const address = { ...mysql, database }
  if (options.migrated !== false) await migrate(address)
  const pool = openPool(address, { connectionLimit: 6, lockWaitSeconds: 5 })
  return {
    address,
    redis,
    engine,
    pool,
    drop: async () => {
      await pool.end()
      await asRoot(mysql, `DROP DATABASE ${database}`)
    },
  }
}

async function asRoot(
  server: { host: string; port: number; user: string; password: string },
  sql: string,
): Promise<void> {
  const connection = await createConnection(server)
  try {
    await connection.query(sql)
  } finally {
    await connection.end()
  }
}
