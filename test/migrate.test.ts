import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { createConnection } from 'mysql2/promise'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  type Migration,
  MigrationError,
  type MigrationReport,
  migrate,
  readMigrations,
} from '../db/migrate.ts'
import { openDatabase } from '../db/pools.ts'
import type { RowDataPacket } from '../db/rows.ts'
import { GroupCommit } from '../src/webhooks/group-commit.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { capture } from './support/events.ts'
import { ask, killWorkers, startWorker } from './support/workers.ts'

let database: TestDatabase
const ours = await readMigrations()
const names = ours.map(({ name }) => name)

beforeEach(async () => {
  database = await testDatabase('migrate', { migrated: false })
})
afterEach(async () => {
  await killWorkers()
  await database.drop()
})

describe('migrate', () => {
  it('applies every file once, in order, and finds nothing to do afterwards', async () => {
    expect(await migrate(database.address)).toEqual({ applied: names, alreadyThere: 0 })
    expect(await migrate(database.address)).toEqual({ applied: [], alreadyThere: names.length })
    expect(await records()).toEqual(names.map((name) => [name, 'done']))
  })

  it('by several processes at once applies every file once', async () => {
    const workers = await Promise.all(Array.from({ length: 3 }, () => startWorker('migrate-once')))
    const reports = await Promise.all(
      workers.map((worker) => ask<MigrationReport>(worker, { address: database.address })),
    )
    expect(reports.flatMap(({ applied }) => applied)).toEqual(names)
    expect(reports.map(({ applied }) => applied.length).sort()).toEqual([0, 0, names.length])
    expect(await records()).toEqual(names.map((name) => [name, 'done']))
  })

  it('applies only what is new to a database that an older version made', async () => {
    await migrate(database.address, ours.slice(0, 2))
    expect(await migrate(database.address)).toEqual({ applied: names.slice(2), alreadyThere: 2 })
  })

  it('refuses an edited file by its name and changes nothing', async () => {
    await migrate(database.address, ours.slice(0, 2))
    const before = await allTables()
    const edited = ours.map((file, index) => (index === 1 ? migration(file.name, `${file.sql} `) : file))
    const refused = migrate(database.address, edited)
    await expect(refused).rejects.toThrow(MigrationError)
    await expect(refused).rejects.toThrow(`${names[1]} was edited`)
    expect(await allTables()).toEqual(before)
  })

  it('refuses to work with a database that a newer version made', async () => {
    await migrate(database.address, [
      ...ours,
      migration('9999-from-tomorrow.sql', 'CREATE TABLE tomorrow (id INT)'),
    ])
    await expect(migrate(database.address)).rejects.toThrow(/9999-from-tomorrow.sql .* not in this version/)
  })

  it('goes on where a crash between the table and its record left it', async () => {
    const [first, second] = ours
    if (!first || !second) throw new Error('there are migrations')
    await migrate(database.address, [first])
    await database.pool.query(second.sql)
    await database.pool.query(
      `INSERT INTO onceline_migrations (name, checksum, state, at) VALUES (?, ?, 'started', UTC_TIMESTAMP(3))`,
      [second.name, second.checksum],
    )
    expect(await migrate(database.address)).toEqual({ applied: names.slice(1), alreadyThere: 1 })
    expect(await records()).toEqual(names.map((name) => [name, 'done']))
  })

  it('goes on where a crash before the table left it', async () => {
    const [first] = ours
    await migrate(database.address, [])
    await database.pool.query(
      `INSERT INTO onceline_migrations (name, checksum, state, at) VALUES (?, ?, 'started', UTC_TIMESTAMP(3))`,
      [first?.name, first?.checksum],
    )
    expect(await migrate(database.address)).toEqual({ applied: names, alreadyThere: 0 })
  })

  it('that fails in a statement names the file, keeps what came before it, and can be repeated once mended', async () => {
    const good = migration('0001-good.sql', 'CREATE TABLE good (id INT PRIMARY KEY)')
    const bad = migration('0002-bad.sql', 'CREATE TABLE bad (id NOSUCHTYPE)')
    const later = migration('0003-later.sql', 'CREATE TABLE later (id INT PRIMARY KEY)')
    await expect(migrate(database.address, [good, bad, later])).rejects.toThrow(/^0002-bad.sql: /)
    expect(await records()).toEqual([[good.name, 'done']])
    const mended = migration(bad.name, 'CREATE TABLE bad (id INT PRIMARY KEY)')
    expect(await migrate(database.address, [good, mended, later])).toEqual({
      applied: [bad.name, later.name],
      alreadyThere: 1,
    })
  })

  it('refuses a database with a table of the same name that is not ours, and creates nothing', async () => {
    await database.pool.query('CREATE TABLE payments (id INT PRIMARY KEY)')
    await database.pool.query('CREATE VIEW audit_log AS SELECT id FROM payments')
    const before = await allTables()
    const refused = migrate(database.address)
    await expect(refused).rejects.toThrow(MigrationError)
    await expect(refused).rejects.toThrow(/payments/)
    await expect(refused).rejects.toThrow(/audit_log/)
    expect(await allTables()).toEqual(before)
  })

  it("leaves a shared database's Laravel tables as they are, to the byte, and stores an event beside them", async () => {
    await load(await readFile(new URL('./fixtures/laravel-schema.sql', import.meta.url), 'utf8'))
    const before = await allTables()
    expect(Object.keys(before)).toHaveLength(10)
    expect(await migrate(database.address)).toEqual({ applied: names, alreadyThere: 0 })
    const after = await allTables()
    for (const table of Object.keys(before)) expect(after[table], table).toEqual(before[table])
    const created = ours.filter(({ sql }) => /^CREATE TABLE/m.test(sql))
    expect(Object.keys(after)).toHaveLength(10 + created.length + 1)
    const pools = openDatabase(database.address, 1)
    const store = new GroupCommit({ pool: pools.ingest, onStored: () => undefined })
    expect(await store.store(capture({ eventId: 'evt_منى_😀' }))).toMatchObject({ kind: 'stored' })
    await pools.close()
  })
})

describe('readMigrations', () => {
  it('refuses a file whose name has no place in the order', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'onceline-migrations-'))
    await writeFile(join(folder, '0001-good.sql'), 'SELECT 1')
    await writeFile(join(folder, '10-Short.sql'), 'SELECT 1')
    await expect(readMigrations(pathToFileURL(`${folder}/`))).rejects.toThrow(/10-Short.sql/)
    await rm(folder, { recursive: true })
  })
})

function migration(name: string, sql: string): Migration {
  return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') }
}

async function records(): Promise<[string, string][]> {
  const [rows] = await database.pool.query<RowDataPacket[]>(
    'SELECT name, state FROM onceline_migrations ORDER BY name',
  )
  return rows.map((row) => [row.name, row.state])
}

/** Every table and view: its definition, and all of its rows in hex. */
async function allTables(): Promise<Record<string, { definition: string; rows: string }>> {
  const { pool } = database
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

async function load(sql: string): Promise<void> {
  const connection = await createConnection({ ...database.address, multipleStatements: true })
  await connection.query(sql)
  await connection.end()
}
