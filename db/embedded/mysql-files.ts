import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { DatabaseBinary } from './binaries.ts'
import { DEATH_SIGNAL, initialisingArgs, temporaryDirOf } from './mysql-options.ts'
import { logTail, type ServerOrder, ServerStartError, startServer } from './server-process.ts'

/** MySQL needs 5 s on a quiet disk. */
const INITIALISE_TIMEOUT_MS = 180_000

/**
 * Makes a new server's data files, with root as its only user. They are made under another name and renamed, so that a
 * `kill -9` in between leaves nothing that looks finished.
 */
export async function ensureDataFiles(
  binary: DatabaseBinary,
  filesDir: string,
  password: string,
): Promise<void> {
  mkdirSync(temporaryDirOf(filesDir), { recursive: true, mode: 0o700 })
  if (existsSync(filesDir)) return
  const unfinished = `${filesDir}.tmp`
  rmSync(unfinished, { recursive: true, force: true })
  mkdirSync(unfinished, { recursive: true, mode: 0o700 })
  if (binary.engine === 'mariadb') await bootstrapMariadb(binary, unfinished, password)
  else await initialiseMysql(binary, unfinished, password)
  renameSync(unfinished, filesDir)
}

/** What `mariadb-install-db` does, without its shell script, its helper programs and its test database. */
async function bootstrapMariadb(binary: DatabaseBinary, dir: string, password: string): Promise<void> {
  const input = [
    'CREATE DATABASE IF NOT EXISTS mysql;\nUSE mysql;\nSET @auth_root_socket = NULL;\n',
    ...systemTables(binary),
    // The password-less accounts that the system tables come with are replaced by one that has a password.
    "\nDELETE FROM mysql.global_priv WHERE User <> 'mariadb.sys';\nDELETE FROM mysql.proxies_priv;\n",
    `FLUSH PRIVILEGES;\n${rootStatements(password)}`,
  ].join('')
  await runOnce(binary, dir, ['--bootstrap', '--skip-log-bin'], input)
}

/** The statements reach MySQL through a file of our own; it is gone before the server is ever started. */
async function initialiseMysql(binary: DatabaseBinary, dir: string, password: string): Promise<void> {
  const initFile = `${dir}.sql`
  writeFileSync(initFile, `DROP USER IF EXISTS 'root'@'localhost';\n${rootStatements(password)}`, {
    mode: 0o600,
  })
  try {
    await runOnce(binary, dir, ['--initialize-insecure', `--init-file=${initFile}`])
  } finally {
    rmSync(initFile, { force: true })
  }
}

/** Names are not resolved, so the account is for the address. One statement a line: both servers' first start wants it. */
function rootStatements(password: string): string {
  return [
    `CREATE USER 'root'@'127.0.0.1' IDENTIFIED BY '${password}';`,
    "GRANT ALL PRIVILEGES ON *.* TO 'root'@'127.0.0.1' WITH GRANT OPTION;\n",
  ].join('\n')
}

/** MariaDB's system tables in the order of its own script; from 11.0 on the files are called mariadb_*. */
function systemTables(binary: DatabaseBinary): string[] {
  const names = ['system_tables', 'performance_tables', 'system_tables_data']
  return [
    ...names.map((name) => readShare(binary, [`mariadb_${name}.sql`, `mysql_${name}.sql`])),
    readShare(binary, ['maria_add_gis_sp_bootstrap.sql']),
    readShare(binary, ['mariadb_sys_schema.sql', 'mysql_sys_schema.sql']),
  ]
}

function readShare(binary: DatabaseBinary, names: readonly string[]): string {
  const found = names
    .map((name) => join(binary.shareDir ?? binary.baseDir, name))
    .find((path) => existsSync(path))
  if (found !== undefined) return readFileSync(found, 'utf8')
  throw new ServerStartError(`MariaDB's ${names.join(' or ')} is not in ${binary.shareDir ?? binary.baseDir}`)
}

async function runOnce(
  binary: DatabaseBinary,
  dir: string,
  how: readonly string[],
  input?: string,
): Promise<void> {
  const order: ServerOrder = {
    name: binary.engine === 'mariadb' ? 'MariaDB' : 'MySQL',
    binary,
    args: [...initialisingArgs(binary, dir), ...how],
    workingDir: dir,
    deathSignal: DEATH_SIGNAL,
    logFile: join(dirname(dir), `${binary.engine}-first-start.log`),
    ...(input === undefined ? {} : { input }),
  }
  const server = startServer(order)
  const timer = setTimeout(() => void server.end('SIGKILL'), INITIALISE_TIMEOUT_MS)
  const outcome = await server.ended
  clearTimeout(timer)
  if (outcome !== 'ended with 0') {
    throw new ServerStartError(`${order.name}'s first start ${outcome}\n${logTail(order.logFile)}`)
  }
}
