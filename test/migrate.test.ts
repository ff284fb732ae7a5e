import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MigrationError, type MigrationReport, migrate, readMigrations } from '../db/migrate.ts'
import type { RowDataPacket } from '../db/rows.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { allTables, migration } from './support/migrations.ts'
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
    const before = await allTables(database.pool)
    const edited = ours.map((file, index) => (index === 1 ? migration(file.name, `${file.sql} `) : file))
    const refused = migrate(database.address, edited)
    await expect(refused).rejects.toThrow(MigrationError)
    await expect(refused).rejects.toThrow(`${names[1]} was edited`)
    expect(await allTables(database.pool)).toEqual(before)
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
    const before = await allTables(database.pool)
    const refused = migrate(database.address)
    await expect(refused).rejects.toThrow(MigrationError)
    await expect(refused).rejects.toThrow(/payments/)
    await expect(refused).rejects.toThrow(/audit_log/)
    expect(await allTables(database.pool)).toEqual(before)
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

async function records(): Promise<[string, string][]> {
  const [rows] = await database.pool.query<RowDataPacket[]>(
    'SELECT name, state FROM onceline_migrations ORDER BY name',
  )
  return rows.map((row) => [row.name, row.state])
}
