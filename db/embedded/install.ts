import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import {
  type Engine,
  findDatabaseBinary,
  findRedisBinary,
  type ServerBinary,
  unpackedMysqlRoot,
  unpackedRoot,
} from './binaries.ts'
import { type FolderLock, tryLockFolder } from './lock.ts'
import { hasDebianTools, PackageError, unpackMachinePackages, unpackUnstablePackages } from './packages.ts'

/** The servers cannot be installed here; the message names what to install by hand. */
export class InstallError extends Error {
  override readonly name = 'InstallError'
}

const EXIT = { ok: 0, failed: 1, usage: 2, mysqlUnavailable: 3 } as const
/** Longer than the other process needs for 60 MB on a slow line. */
const WAIT_TIMEOUT_MS = 600_000
const POLL_MS = 100

/**
 * Makes sure that the database server and Redis can be found, by unpacking Debian's packages below the data folder when
 * this machine has none. Two processes may call it at once: one unpacks, the other waits. Throws InstallError.
 */
export async function ensureServers(
  dataDir: string,
  engine: Engine | 'auto',
  log: (line: string) => void,
): Promise<void> {
  if (isComplete(dataDir, engine)) return
  const missing = missingNames(dataDir, engine)
  if (!hasDebianTools()) throw new InstallError(byHand(missing))
  const lock = await waitForLock(dataDir)
  try {
    if (!isComplete(dataDir, engine)) await unpack(dataDir, engine, log)
  } catch (error) {
    if (!(error instanceof PackageError)) throw error
    throw new InstallError(`${byHand(missing)}\nFetching them was tried:\n${error.message}`)
  } finally {
    await lock.release()
  }
}

async function waitForLock(dataDir: string): Promise<FolderLock> {
  for (const deadline = Date.now() + WAIT_TIMEOUT_MS; Date.now() < deadline; await sleep(POLL_MS)) {
    const lock = await tryLockFolder(dataDir, 'install')
    if (lock !== undefined) return lock
  }
  throw new InstallError(
    `another process has been installing into ${dataDir} for ${WAIT_TIMEOUT_MS / 60_000} minutes`,
  )
}

function isComplete(dataDir: string, engine: Engine | 'auto'): boolean {
  return findDatabaseBinary(dataDir, engine) !== undefined && findRedisBinary(dataDir) !== undefined
}

function missingNames(dataDir: string, engine: Engine | 'auto'): string[] {
  const database =
    engine === 'mysql' ? 'mysql-server 8 or newer' : 'mariadb-server (or mysql-server 8 or newer)'
  return [
    ...(findDatabaseBinary(dataDir, engine) === undefined ? [database] : []),
    ...(findRedisBinary(dataDir) === undefined ? ['redis-server 7 or newer'] : []),
  ]
}

function byHand(missing: readonly string[]): string {
  return `Onceline needs ${missing.join(' and ')} on this machine: install it with the system's package manager, or set DB_HOST and REDIS_HOST to servers that run elsewhere.`
}

async function unpack(dataDir: string, engine: Engine | 'auto', log: (line: string) => void): Promise<void> {
  const wantsMysql = engine === 'mysql'
  const mariadb = findDatabaseBinary(dataDir, wantsMysql ? 'mariadb' : engine)
  const redis = findRedisBinary(dataDir)
  if (redis === undefined || (mariadb === undefined && !wantsMysql)) {
    // The root is replaced as a whole, so what an earlier one held is asked for again.
    const keepsMariadb = mariadb === undefined ? !wantsMysql : !isInstalled(mariadb)
    const packages = [
      ...(keepsMariadb ? ['mariadb-server-core'] : []),
      ...(redis !== undefined && isInstalled(redis) ? [] : ['redis-tools']),
    ]
    await unpackMachinePackages({ root: unpackedRoot(dataDir), packages, log })
  }
  if (wantsMysql && findDatabaseBinary(dataDir, 'mysql') === undefined) {
    await unpackUnstablePackages({ root: unpackedMysqlRoot(dataDir), packages: ['mysql-server-core'], log })
  }
}

/** Unpacked programs are run with library folders of their own or through a loader; the machine's are run as they are. */
function isInstalled(binary: ServerBinary): boolean {
  return binary.libraryDirs.length === 0 && binary.command.length === 1
}

const USAGE = 'usage: node db/embedded/install.ts [--data-dir .data] [--engine auto|mariadb|mysql]'

/** The command line: 0 when the servers are there, 1 when not, 2 for a wrong option, 3 when MySQL cannot be had. */
async function main(args: readonly string[]): Promise<number> {
  const parsed = parseOptions(args)
  if (parsed === undefined) {
    console.error(USAGE)
    return EXIT.usage
  }
  try {
    await ensureServers(parsed.dataDir, parsed.engine, (line) => console.error(line))
    return EXIT.ok
  } catch (error) {
    if (!(error instanceof InstallError)) throw error
    if (parsed.engine !== 'mysql') {
      console.error(error.message)
      return EXIT.failed
    }
    const rule = '!'.repeat(78)
    console.error(
      `${rule}\nMYSQL COULD NOT BE HAD. What was to run against MySQL has NOT run.\n${error.message}\n${rule}`,
    )
    return EXIT.mysqlUnavailable
  }
}

function parseOptions(args: readonly string[]): { dataDir: string; engine: Engine | 'auto' } | undefined {
  const options = {
    'data-dir': { type: 'string', default: '.data' },
    engine: { type: 'string', default: 'auto' },
  } as const
  try {
    const { values } = parseArgs({ args: [...args], options })
    const engine = values.engine
    if (engine !== 'auto' && engine !== 'mariadb' && engine !== 'mysql') return undefined
    return { dataDir: resolve(values['data-dir']), engine }
  } catch {
    return undefined
  }
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2))
