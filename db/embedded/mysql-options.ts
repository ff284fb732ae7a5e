import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { DatabaseBinary } from './binaries.ts'

/**
 * MariaDB hangs for ever when it is asked to end while it starts. Killing is safe: what is committed is on disk, and half
 * made data files are made again.
 */
export const DEATH_SIGNAL = 'KILL'

/** What differs from one start to the next. */
export interface Serving {
  readonly filesDir: string
  readonly port: number
  readonly bufferPoolMb: number
}

/** The options of a server that serves. */
export function servingArgs(binary: DatabaseBinary, { filesDir, port, bufferPoolMb }: Serving): string[] {
  return [
    ...locationArgs(binary, filesDir),
    ...networkArgs(port, filesDir),
    ...storageArgs(binary, bufferPoolMb),
    ...redoLogArgs(binary, bufferPoolMb),
  ]
}

/** The options of the first start, which only makes the data files. */
export function initialisingArgs(binary: DatabaseBinary, filesDir: string): string[] {
  // The redo log gets its usual size here already: another one is rebuilt at the next start.
  return [...locationArgs(binary, filesDir), ...redoLogArgs(binary, SMALLEST_REDO_LOG_MB)]
}

/** A server deletes the temporary tables that it finds at its start, so it must not share the machine's /tmp with another. */
export function temporaryDirOf(filesDir: string): string {
  return join(dirname(filesDir), 'tmp')
}

/** The options that say where everything is; the machine's own configuration files must not reach a private server. */
function locationArgs(binary: DatabaseBinary, filesDir: string): string[] {
  const args = [
    '--no-defaults',
    `--basedir=${binary.baseDir}`,
    `--datadir=${filesDir}`,
    `--tmpdir=${temporaryDirOf(filesDir)}`,
  ]
  if (binary.shareDir !== undefined) args.push(`--lc-messages-dir=${binary.shareDir}`)
  if (binary.shareDir !== undefined && existsSync(join(binary.shareDir, 'charsets'))) {
    args.push(`--character-sets-dir=${join(binary.shareDir, 'charsets')}`)
  }
  if (binary.pluginDir !== undefined) args.push(`--plugin-dir=${binary.pluginDir}`)
  // Both refuse to run as root unless they are told that it is meant.
  if (process.getuid?.() === 0) args.push('--user=root')
  return args
}

const SMALLEST_REDO_LOG_MB = 256

/**
 * As large as the buffer pool: random keys make a page dirty with nearly every event, and a log that is full too early
 * has each of them written out again and again.
 */
function redoLogArgs(binary: DatabaseBinary, bufferPoolMb: number): string[] {
  const sizeMb = Math.max(SMALLEST_REDO_LOG_MB, bufferPoolMb)
  return [
    binary.engine === 'mariadb'
      ? `--innodb-log-file-size=${sizeMb}M`
      : `--loose-innodb-redo-log-capacity=${sizeMb}M`,
  ]
}

function networkArgs(port: number, filesDir: string): string[] {
  return [
    '--bind-address=127.0.0.1',
    `--port=${port}`,
    // A socket file would outlive a kill -9, and its path may not be longer than 107 bytes.
    '--socket=',
    `--pid-file=${join(filesDir, 'server.pid')}`,
    '--skip-name-resolve',
    '--max-connections=200',
    '--max-allowed-packet=64M',
    '--character-set-server=utf8mb4',
    '--collation-server=utf8mb4_unicode_ci',
    '--default-time-zone=+00:00',
  ]
}

/** Durable: a commit is on disk before it is acknowledged. No replica reads from here, so there is no binary log. */
function storageArgs(binary: DatabaseBinary, bufferPoolMb: number): string[] {
  const both = [
    '--innodb-flush-log-at-trx-commit=1',
    '--sync-binlog=1',
    '--skip-log-bin',
    '--performance-schema=OFF',
    `--innodb-buffer-pool-size=${bufferPoolMb}M`,
  ]
  // MySQL's compiled-in import folder does not exist where the package was only unpacked; nobody imports files anyway.
  return binary.engine === 'mariadb' ? both : [...both, '--secure-file-priv=NULL', '--loose-mysqlx=OFF']
}
