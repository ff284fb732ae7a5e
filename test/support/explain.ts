import { expect } from 'vitest'
import type { PoolConnection } from '../../db/pools.ts'
import type { RowDataPacket } from '../../db/rows.ts'
import type { TestDatabase } from './database.ts'

/**
 * The indexes that the database chooses for each statement that `work` sends, asked with the same values. The connection
 * answers every statement with `answer`, so that nothing is changed.
 */
export async function keysOf(
  database: TestDatabase,
  work: (connection: PoolConnection) => Promise<unknown>,
  answer: unknown = [],
): Promise<string[][]> {
  const sent: [string, unknown[]][] = []
  const connection = {
    query: async (sql: string, values: unknown[] = []) => {
      sent.push([sql, values])
      return [answer, []]
    },
    release: () => undefined,
    destroy: () => undefined,
  }
  await work(connection as unknown as PoolConnection)
  expect(sent.length).toBeGreaterThan(0)
  return Promise.all(sent.map(([sql, values]) => explain(database, sql, values)))
}

async function explain(database: TestDatabase, sql: string, values: unknown[]): Promise<string[]> {
  // The traditional form has a row a table on both servers; MySQL 9 may be set to another one.
  const format = database.engine === 'mysql' ? 'FORMAT=TRADITIONAL' : ''
  const [rows] = await database.pool.query<RowDataPacket[]>(`EXPLAIN ${format} ${sql}`, values)
  return rows
    .filter((row) => row.table !== null && !String(row.table).startsWith('<'))
    .map((row) => String(row.key))
}
