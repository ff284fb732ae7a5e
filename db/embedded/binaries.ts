import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, realpathSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'

/** The two servers that speak MySQL's protocol and that Onceline is tested against. */
export type Engine = 'mariadb' | 'mysql'

/** A server's program, and what has to be put around it so that it runs. */
export interface ServerBinary {
  /** The program, or a dynamic loader with its arguments and then the program. */
  readonly command: readonly [string, ...string[]]
  /** Folders for LD_LIBRARY_PATH; empty for a program that the machine itself has installed. */
  readonly libraryDirs: readonly string[]
}

/** A MariaDB or MySQL server with the folders its options need. */
export interface DatabaseBinary extends ServerBinary {
  readonly engine: Engine
  readonly baseDir: string
  /** Holds error messages, character sets and MariaDB's system tables; undefined if the server must know it itself. */
  readonly shareDir: string | undefined
  readonly pluginDir: string | undefined
}

/** Programs of the machine come first; then those unpacked below a data folder or below the project's own. */
const SYSTEM_DIRS = ['/usr/sbin', '/usr/bin', '/usr/libexec', '/usr/local/sbin', '/usr/local/bin']
const PROJECT_DATA_DIR = resolve(import.meta.dirname, '../../.data')
/** Where packages of the machine's own release are unpacked. */
export function unpackedRoot(dataDir: string): string {
  return join(dataDir, 'root')
}

/** Where MySQL is unpacked with its own C library, which may be newer than the machine's. */
export function unpackedMysqlRoot(dataDir: string): string {
  return join(dataDir, 'mysql-root')
}

/**
 * Finds the asked server. `auto` takes the one that this folder's data were made with, and MariaDB for a new folder.
 * Undefined when neither this machine nor the data folder has one.
 */
export function findDatabaseBinary(dataDir: string, engine: Engine | 'auto'): DatabaseBinary | undefined {
  const found = [...installedDatabases(), ...unpackedDatabases(dataDir)]
  if (engine !== 'auto') return found.find((binary) => binary.engine === engine)
  const byPreference = found.toSorted((a, b) => a.engine.localeCompare(b.engine))
  return byPreference.find((binary) => existsSync(join(dataDir, binary.engine))) ?? byPreference[0]
}

/** Finds Redis; undefined when this machine and the data folder have none. */
export function findRedisBinary(dataDir: string): ServerBinary | undefined {
  const installed = whereIs(['redis-server'])[0]
  if (installed !== undefined) return { command: [installed], libraryDirs: [] }
  for (const root of roots(dataDir, unpackedRoot)) {
    const program = join(root, 'usr/bin/redis-server')
    if (existsSync(program)) return { command: [program], libraryDirs: libraryDirs(root) }
  }
  return undefined
}

function installedDatabases(): DatabaseBinary[] {
  return whereIs(['mariadbd', 'mysqld']).map((program) => {
    const real = realpathSync(program)
    const baseDir = dirname(dirname(real))
    return describe({ command: [program], libraryDirs: [] }, engineOf(real), baseDir)
  })
}

/** `mysqld` is MariaDB's name for itself, too; a file of its own (not a link to mariadbd) has to be asked. */
function engineOf(program: string): Engine {
  if (basename(program).startsWith('mariadbd')) return 'mariadb'
  try {
    const version = execFileSync(program, ['--no-defaults', '--version'], { encoding: 'utf8', stdio: 'pipe' })
    return /mariadb/i.test(version) ? 'mariadb' : 'mysql'
  } catch {
    return 'mysql'
  }
}

function unpackedDatabases(dataDir: string): DatabaseBinary[] {
  const mariadbs = roots(dataDir, unpackedRoot).flatMap((root) => {
    const program = join(root, 'usr/sbin/mariadbd')
    if (!existsSync(program)) return []
    return [describe({ command: [program], libraryDirs: libraryDirs(root) }, 'mariadb', join(root, 'usr'))]
  })
  const mysqls = roots(dataDir, unpackedMysqlRoot).flatMap((root) => {
    const program = join(root, 'usr/sbin/mysqld')
    const loader = loaderOf(root)
    if (loader === undefined || !existsSync(program)) return []
    // The loader of the same root keeps the two C libraries apart: mysqld sees only its own, setpriv only the machine's.
    const command = [loader, '--library-path', libraryDirs(root).join(':'), program] as const
    return [describe({ command, libraryDirs: [] }, 'mysql', join(root, 'usr'))]
  })
  return [...mariadbs, ...mysqls]
}

function describe(binary: ServerBinary, engine: Engine, baseDir: string): DatabaseBinary {
  const shares = ['share/mysql', 'share/mariadb', 'share'].map((path) => join(baseDir, path))
  const plugins = ['lib/mysql/plugin', 'lib64/mysql/plugin', 'lib/plugin'].map((path) => join(baseDir, path))
  return {
    ...binary,
    engine,
    baseDir,
    shareDir: shares.find((path) => existsSync(join(path, 'english/errmsg.sys'))),
    pluginDir: plugins.find((path) => existsSync(path)),
  }
}

/** Asks a shell for the programs on PATH, then looks into the folders that an ordinary user's PATH leaves out. */
function whereIs(names: readonly string[]): string[] {
  const script = 'for name in "$@"; do command -v "$name"; done; true'
  const output = execFileSync('/bin/sh', ['-c', script, 'sh', ...names], { encoding: 'utf8' })
  const onPath = output.split('\n').filter((line) => line.startsWith('/'))
  const elsewhere = names.flatMap((name) => SYSTEM_DIRS.map((dir) => join(dir, name))).filter(existsSync)
  return [...new Set([...onPath, ...elsewhere])]
}

function roots(dataDir: string, rootOf: (dataDir: string) => string): string[] {
  return [...new Set([rootOf(resolve(dataDir)), rootOf(PROJECT_DATA_DIR)])]
}

/** Debian keeps libraries in a folder that is named after the processor, such as x86_64-linux-gnu. */
function libraryDirs(root: string): string[] {
  return ['usr/lib', 'lib'].flatMap((path) => {
    const dir = join(root, path)
    if (!existsSync(dir)) return []
    return readdirSync(dir)
      .filter((name) => name.includes('-linux-gnu'))
      .map((name) => join(dir, name))
  })
}

function loaderOf(root: string): string | undefined {
  for (const dir of libraryDirs(root)) {
    const name = readdirSync(dir).find((file) => /^ld-linux.*\.so\.\d+$/.test(file))
    if (name !== undefined) return join(dir, name)
  }
  return undefined
}
