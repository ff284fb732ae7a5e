import { inject } from 'vitest'
import type { RedisAddress } from '../../db/redis.ts'
import { type OwnDatabase, openOwnDatabase } from './own-database.ts'

export interface TestDatabase extends OwnDatabase {
  readonly redis: RedisAddress
  readonly engine: 'mariadb' | 'mysql'
}

export interface TestDatabaseOptions {
  /** False leaves the database empty. */
  readonly migrated?: boolean
}

/** A database of its own for one test file, on the real server of this run. */
export async function testDatabase(name: string, options: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const { mysql, redis, engine } = inject('servers')
  return { ...(await openOwnDatabase(mysql, name, { ...options, schema: inject('schema') })), redis, engine }
}
