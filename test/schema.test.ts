import { readFile } from 'node:fs/promises'
import { createConnection } from 'mysql2/promise'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { migrate } from '../db/migrate.ts'
import { openPool, type Pool } from '../db/pools.ts'
import type { RowDataPacket } from '../db/rows.ts'
import { describeSchema } from '../db/schema.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'

const FILE = new URL('../db/schema.sql', import.meta.url)
let migrated: TestDatabase
let loaded: TestDatabase

beforeAll(async () => {
  migrated = await testDatabase('schema-migrated', { migrated: false })
  await migrate(migrated.address)
  loaded = await testDatabase('schema-loaded', { migrated: false })
  const connection = await createConnection({ ...loaded.address, multipleStatements: true })
  await connection.query(await readFile(FILE, 'utf8'))
  await connection.end()
})
afterAll(async () => {
  await migrated?.drop()
  await loaded?.drop()
})

describe('db/schema.sql', () => {
  it.runIf(inject('servers').engine === 'mariadb')('is what the migrations make', async () => {
    const [file, schema] = await Promise.all([readFile(FILE, 'utf8'), describeSchema(migrated.pool)])
    expect(file, 'db/schema.sql is behind db/migrations: run `npm run schema`').toBe(schema)
  })

  it('makes the same columns, indexes and checks as the migrations', async () => {
    const [fromFile, fromMigrations] = await Promise.all([shapeOf(loaded.pool), shapeOf(migrated.pool)])
    expect(fromMigrations.columns.length).toBeGreaterThan(80)
    expect(fromMigrations.indexes.length).toBeGreaterThan(20)
    expect(fromMigrations.checks.length).toBeGreaterThan(1)
    expect(fromFile, 'db/schema.sql is behind db/migrations: run `npm run schema`').toEqual(fromMigrations)
  })
})

describe('the schema that suites are given', () => {
  it('is what the migrations make, with what they leave in it, on this very engine', async () => {
    const given = await testDatabase('schema-given')
    expect(await shapeOf(given.pool)).toEqual(await shapeOf(migrated.pool))
    expect(await rowsOf(given.pool)).toEqual(await rowsOf(migrated.pool))
    await given.drop()
  })
})

describe('the schema', () => {
  it('has no AUTO_INCREMENT beside a second unique key, where MariaDB drops rows of a multi-row upsert', async () => {
    expect(await tablesWithTheTrap(migrated.pool)).toEqual([])
  })

  it('would be caught if it had one', async () => {
    const trap = await testDatabase('schema-trap', { migrated: false })
    await trap.pool.query('CREATE TABLE harmless (id INT AUTO_INCREMENT PRIMARY KEY, k INT, KEY (k))')
    await trap.pool.query('CREATE TABLE trap (id INT AUTO_INCREMENT PRIMARY KEY, k INT UNIQUE)')
    await trap.pool.query('CREATE TABLE turned_trap (id INT AUTO_INCREMENT UNIQUE, k INT PRIMARY KEY)')
    expect(await tablesWithTheTrap(trap.pool)).toEqual(['trap', 'turned_trap'])
    await trap.drop()
  })

  it('compares every text in its bytes and keeps every table in InnoDB', async () => {
    const [texts] = await migrated.pool.query<RowDataPacket[]>(
      `SELECT table_name, column_name, collation_name AS collation FROM information_schema.columns
       WHERE table_schema = DATABASE() AND collation_name NOT IN ('utf8mb4_bin', 'ascii_bin')`,
    )
    expect(texts).toEqual([])
    const [tables] = await migrated.pool.query<RowDataPacket[]>(
      "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() AND engine <> 'InnoDB'",
    )
    expect(tables).toEqual([])
  })

  it('is the same on a server whose defaults are others', async () => {
    const other = await testDatabase('schema-other', { migrated: false })
    const { pool, address } = other
    await pool.query(`ALTER DATABASE ${address.database} CHARACTER SET latin1 COLLATE latin1_swedish_ci`)
    await migrate(address)
    const fresh = openPool(address, { connectionLimit: 1, lockWaitSeconds: 5 })
    expect(await shapeOf(fresh)).toEqual(await shapeOf(migrated.pool))
    await fresh.end()
    await other.drop()
  })
})

/** Every row of every table, but for when a migration was applied. */
async function rowsOf(pool: Pool): Promise<Record<string, RowDataPacket[]>> {
  const [tables] = await pool.query<RowDataPacket[]>(
    'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE() ORDER BY name',
  )
  const all: Record<string, RowDataPacket[]> = {}
  for (const { name } of tables) {
    const [rows] = await pool.query<RowDataPacket[]>(`SELECT * FROM ${name} ORDER BY 1`)
    all[name] = name === 'onceline_migrations' ? rows.map((row) => ({ ...row, at: null })) : rows
  }
  return all
}

interface Shape {
  readonly columns: RowDataPacket[]
  readonly indexes: RowDataPacket[]
  readonly checks: RowDataPacket[]
}

async function shapeOf(pool: Pool): Promise<Shape> {
  const [columns] = await pool.query<RowDataPacket[]>(
    `SELECT table_name AS tab, column_name AS col, ordinal_position AS place, column_type AS type, is_nullable AS nullable,
       column_default AS preset, collation_name AS collation, extra, column_comment AS comment
     FROM information_schema.columns WHERE table_schema = DATABASE() ORDER BY tab, place`,
  )
  const [indexes] = await pool.query<RowDataPacket[]>(
    `SELECT table_name AS tab, index_name AS idx, seq_in_index AS place, column_name AS col, non_unique, sub_part,
       index_type AS type
     FROM information_schema.statistics WHERE table_schema = DATABASE() ORDER BY tab, idx, place`,
  )
  const [checks] = await pool.query<RowDataPacket[]>(
    `SELECT constraint_name AS name, REPLACE(check_clause, '\`', '') AS clause FROM information_schema.check_constraints
     WHERE constraint_schema = DATABASE() ORDER BY name`,
  )
  return { columns, indexes, checks }
}

async function tablesWithTheTrap(pool: Pool): Promise<string[]> {
  const [rows] = await pool.query<RowDataPacket[]>(
    `SELECT c.table_name AS name FROM information_schema.columns AS c
     JOIN (SELECT table_name AS tab, COUNT(DISTINCT index_name) AS uniques FROM information_schema.statistics
           WHERE table_schema = DATABASE() AND non_unique = 0 GROUP BY table_name) AS u ON u.tab = c.table_name
     WHERE c.table_schema = DATABASE() AND c.extra LIKE '%auto_increment%' AND u.uniques > 1 ORDER BY name`,
  )
  return rows.map(({ name }) => name)
}
