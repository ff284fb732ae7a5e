import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { createConnection, type RowDataPacket } from 'mysql2/promise'
import { alreadyDone, isMissingTable } from './errors.ts'
import type { DatabaseAddress, PoolConnection } from './pools.ts'

/**
 * One file of db/migrations: one DDL statement, since DDL commits by itself and cannot be undone half-way. Three things may
 * stand in a file beside its statement:
 *
 * - `CREATE TABLE IF NOT EXISTS` names a table that is shared with Laravel: where Laravel made it, it stays as it is. Every
 *   other table is Onceline's own, and one of its name that is already there is somebody else's.
 * - Lines that begin with `-- ?` are its check: a SELECT whose rows stand in the way. The checks of all pending files are asked
 *   before anything is changed, so they cannot use what a migration adds; a table that is not there yet stands in nobody's way.
 * - A line that begins with `-- =` says that what the file adds to a shared table may stand there by its name. Elsewhere that is
 *   somebody else's.
 */
export interface Migration {
  readonly name: string
  readonly sql: string
  readonly checksum: string
}

export interface MigrationReport {
  readonly applied: readonly string[]
  readonly alreadyThere: number
}

/** Migration stopped, and nothing after the named file was run. The message says what a person has to do. */
export class MigrationError extends Error {}

const LOCK_WAIT_SECONDS = 60
const TABLE = 'onceline_migrations'
const CHECK_MARK = '-- ?'
const MAY_STAND = /^-- =/m

/** Reads db/migrations in the order of their names. Throws MigrationError for a name that has no place in that order. */
export async function readMigrations(
  folder = new URL('./migrations/', import.meta.url),
): Promise<Migration[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort()
  const odd = names.find((name) => !/^\d{4}-[a-z0-9-]+\.sql$/.test(name))
  if (odd !== undefined)
    throw new MigrationError(`${odd} is not named like 0001-what-it-does.sql and would never run`)
  return Promise.all(
    names.map(async (name) => {
      const sql = await readFile(new URL(name, folder), 'utf8')
      return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') }
    }),
  )
}

/**
 * Brings the schema up to date, forward only. Processes that start together migrate once: the others wait for the lock
 * and find the work done. Throws MigrationError for an edited file, a file that is missing here, a table of somebody else's
 * that bears a name of ours, and rows that stand in the way; all of these are found before anything is changed.
 */
export async function migrate(address: DatabaseAddress, migrations?: Migration[]): Promise<MigrationReport> {
  const files = migrations ?? (await readMigrations())
  const connection = await createConnection({ ...address, charset: 'utf8mb4_bin', timezone: 'Z' })
  try {
    await lock(connection, address.database)
    return await migrateLocked(connection as unknown as PoolConnection, files)
  } finally {
    await connection.end().catch(() => connection.destroy())
  }
}

type Queryable = Pick<PoolConnection, 'query'>

/** GET_LOCK belongs to the session and goes with it, also after a kill -9. */
async function lock(connection: Queryable, database: string): Promise<void> {
  const [rows] = await connection.query<RowDataPacket[]>('SELECT GET_LOCK(?, ?) AS got', [
    `onceline-migrate-${database}`.slice(0, 64),
    LOCK_WAIT_SECONDS,
  ])
  if (Number(rows[0]?.got) !== 1) {
    throw new MigrationError(`another process has been migrating for over ${LOCK_WAIT_SECONDS} s; try again`)
  }
}

async function migrateLocked(connection: Queryable, files: Migration[]): Promise<MigrationReport> {
  const known = await readKnown(connection)
  assertUnedited(files, known)
  const pending = files.filter((file) => known.get(file.name)?.state !== 'done')
  await assertNamesAreFree(
    connection,
    pending.filter((file) => !known.has(file.name)),
  )
  for (const file of pending) await assertNothingInTheWay(connection, file)
  await createRecords(connection)
  for (const file of pending) await apply(connection, file, known.has(file.name))
  return { applied: pending.map((file) => file.name), alreadyThere: files.length - pending.length }
}

type Known = Map<string, { checksum: string; state: string }>

/** What was applied here; nothing where no migration ever ran. */
async function readKnown(connection: Queryable): Promise<Known> {
  try {
    const [rows] = await connection.query<RowDataPacket[]>(
      `SELECT name, checksum, state FROM ${TABLE} LIMIT 10000`,
    )
    return new Map(rows.map((row) => [row.name, { checksum: row.checksum, state: row.state }]))
  } catch (error) {
    if (isMissingTable(error)) return new Map()
    throw error
  }
}

async function createRecords(connection: Queryable): Promise<void> {
  await connection.query(`CREATE TABLE IF NOT EXISTS ${TABLE} (
    name VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    checksum CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    state VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    at DATETIME(3) NOT NULL
  ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin`)
}

function assertUnedited(files: Migration[], known: Map<string, { checksum: string }>): void {
  const byName = new Map(files.map((file) => [file.name, file]))
  for (const [name, { checksum }] of known) {
    const file = byName.get(name)
    if (!file)
      throw new MigrationError(
        `${name} was applied to this database and is not in this version's db/migrations`,
      )
    if (file.checksum !== checksum) {
      throw new MigrationError(
        `${name} was edited after it was applied; restore it and write a new migration instead`,
      )
    }
  }
}

async function assertNamesAreFree(connection: Queryable, pending: Migration[]): Promise<void> {
  const ours = pending.flatMap((file) => /^CREATE TABLE (?!IF NOT EXISTS)(\w+)/m.exec(file.sql)?.[1] ?? [])
  if (ours.length === 0) return
  const [rows] = await connection.query<RowDataPacket[]>(
    'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name IN (?)',
    [ours],
  )
  if (rows.length === 0) return
  const names = rows.map((row) => row.name).join(', ')
  throw new MigrationError(
    `this database has tables of these names that Onceline did not create: ${names}; nothing was changed`,
  )
}

/** A file's check: null where it has none. */
function checkOf({ sql }: Migration): string | null {
  const lines = sql.split('\n').filter((line) => line.startsWith(CHECK_MARK))
  return lines.length === 0 ? null : lines.map((line) => line.slice(CHECK_MARK.length)).join('\n')
}

async function assertNothingInTheWay(connection: Queryable, file: Migration): Promise<void> {
  const check = checkOf(file)
  if (check === null) return
  const rows = await rowsInTheWay(connection, file, check)
  if (rows.length === 0) return
  const lines = rows.map(
    (row) =>
      `  ${Object.entries(row)
        .map(([name, value]) => `${name} ${show(value)}`)
        .join(', ')}`,
  )
  throw new MigrationError(
    `${file.name}: these rows stand in its way, and nothing was changed:\n${lines.join('\n')}\n(the file says what to do)`,
  )
}

async function rowsInTheWay(connection: Queryable, file: Migration, check: string): Promise<RowDataPacket[]> {
  try {
    const [rows] = await connection.query<RowDataPacket[]>(check)
    return rows
  } catch (error) {
    if (isMissingTable(error)) return []
    const why = error instanceof Error ? error.message : String(error)
    throw new MigrationError(`${file.name}: its check failed, and nothing was changed: ${why}`, {
      cause: error,
    })
  }
}

function show(value: unknown): string {
  return value instanceof Date ? value.toISOString() : String(value)
}

/** The row `started` is written first: after a crash between DDL and `done`, "exists" or "is gone" is the expected answer. */
async function apply(connection: Queryable, file: Migration, startedBefore: boolean): Promise<void> {
  await connection.query(
    `INSERT INTO ${TABLE} (name, checksum, state, at) VALUES (?, ?, 'started', UTC_TIMESTAMP(3)) ON DUPLICATE KEY UPDATE at = UTC_TIMESTAMP(3)`,
    [file.name, file.checksum],
  )
  try {
    await connection.query(file.sql)
  } catch (error) {
    if (!((startedBefore || MAY_STAND.test(file.sql)) && alreadyDone(error))) {
      if (!startedBefore) await forget(connection, file)
      throw new MigrationError(`${file.name}: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      })
    }
  }
  await connection.query(`UPDATE ${TABLE} SET state = 'done', at = UTC_TIMESTAMP(3) WHERE name = ?`, [
    file.name,
  ])
}

/** The first error is the one worth telling: with the connection gone, the row `started` stays, and that is true. */
async function forget(connection: Queryable, file: Migration): Promise<void> {
  await connection.query(`DELETE FROM ${TABLE} WHERE name = ?`, [file.name]).catch(() => undefined)
}
